// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @dev The rules of one market: data, so that another reading of the protocol is another set of values. Amounts in the
/// token's smallest units, times in seconds.
struct FederatedRules {
    uint32 enrolWindow; // for clients and validators to join a job
    uint32 trainWindow; // of each round
    uint32 openWindow; // to open updates and labels, where they are committed
    uint32 claimWindow; // for validators to report, and for a dispute to be decided
    uint32 disputeWindow; // between a quorum and its settlement; 0 settles at once
    uint16 maxValidators; // of a job
    uint128 validatorBond;
    uint128 validatorFee; // to each validator whose claim settles a round
    uint128 disputeBond;
    uint16 maxGainBps; // the highest threshold that a sponsor may ask for
    bool sealedUpdates; // updates and the validation labels stay committed until the round's training is over
    bool checked; // vouchers pay only those who handed in, once each, and no more than the listed price of what they did
    bool reserved; // a sponsor cannot touch the escrow before its job is over
    bool openCallback; // anybody may report a round's outputs
    bool unique; // no update is a model that the job has seen
    bool slashFailed; // a client whose update fails validation loses its bond and its place
}

/// @dev What a sponsor offers.
struct JobTerms {
    bytes32 dataType; // hash of the name of the data that clients need
    bytes32 modelCid; // of the initial model
    bytes32 trainerCid; // of the executable that clients are to run
    bytes32 validationCid; // of the validation set, without labels where these are committed
    bytes32 labelsRoot; // Merkle root of the rounds' committed labels
    uint128 reward; // for each accepted update
    uint128 bond; // of each client
    uint16 maxClients; // at most 256
    uint16 rounds;
    uint16 minGainBps; // what an update must gain over the round's base on the validation set; for the validators
    uint16 auditBps; // how likely each update is to be validated at all; for the validators
    string context;
}

enum State {
    NONE,
    ENROLLING, // clients and validators may join
    TRAINING, // clients owe an update
    OPENING, // clients owe what they committed, the sponsor owes the round's labels
    VALIDATING, // validators owe a claim
    CLAIMED, // a quorum agrees, and anybody may dispute
    DISPUTED, // the referee owes an answer
    COMPLETED, // all rounds are over
    EXPIRED, // nobody joined
    CANCELLED, // by the sponsor
    WITHHELD, // the sponsor did not open its labels: the opened updates were paid unseen
    VOID // no claim settled: what was not paid went back
}

/// @dev What the machine says of a round.
struct Output {
    bytes32 base; // CID of the model that the next round starts from
    bytes32 vouchers; // Merkle root of what is to be paid to whom
    uint128 total; // of the vouchers
    uint256 failed; // the places, as bits, of those whose update failed validation
}

struct Job {
    address sponsor;
    uint128 reward;
    uint128 bond;
    uint16 maxClients;
    uint16 rounds;
    uint16 round; // from 1 on; 0 before the first
    uint16 active; // clients who still have a place
    uint16 panel; // validators who still have a bond
    uint16 handed; // updates of the round
    uint16 opened; // of them, those that can be fetched
    bool revealed; // the round's labels are open
    State state;
    uint40 due; // Unix s: the end of the present window
    bytes32 base;
    bytes32 labelsRoot;
    bytes32 inputs; // hash chain over the round's inputs
    bytes32 beacon; // randomness from when the round's inputs were complete
    uint256 held; // this job's part of the escrow, pots of vouchers aside
}

/// @dev A payment for an update, as a leaf of a settled round's tree.
struct Voucher {
    uint256 round;
    uint256 place;
    address who;
    uint128 amount;
}

struct Client {
    uint16 place; // 1 + index
    uint16 handed; // the latest round that it handed in for
    uint16 opened; // the latest round whose update can be fetched
    bool out; // slashed, and without a place from then on
    bytes32 update; // the latest: a CID, or its commitment
}

/// @dev What a settled round still owes to the holders of vouchers.
struct Pot {
    bytes32 root;
    uint128 left;
    uint256 executed; // places, as bits
    uint256 opened; // places, as bits: whose updates could be fetched
}
