// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @dev Where a slashed stake goes, less the poker's bounty. Never to the requester: dealing with oneself would pay.
enum SlashTo {
    TREASURY, // kept by the contract for good
    VICTIMS, // shared by the request's trainers who still stand; the treasury's when none does
    BURN
}

/// @dev The rules of one market: data, so that another reading of the protocol is another set of values.
struct Rules {
    uint32 window; // s, for the truth, for claims, and for each candidate's opening
    uint32 minSubmission; // s, at least 60
    uint128 requesterStake; // pulled with each reward; back unless the truth is withheld
    bool loserRefund; // whether those who reported and did not win have their stakes back
    SlashTo slashTo;
    uint16 pokeBountyBps; // of a slashed stake, to whoever carries out the slash
    uint16 minAccuracyBps; // claims below it are never candidates
    uint16 feeBps; // of a paid reward, to the treasury
    bool salted; // whether commitments hold a salt and, for a trainer's, its address
    uint16 maxSubmissions; // that stand at once: what keeps every loop within one block; 0 for no limit
    bool beacon; // whether a later block draws the test rows out of committed ones; else the requester chooses them
}

/// @dev What a requester asks for. Amounts in the token's smallest units.
struct Terms {
    uint128 reward;
    uint128 stake; // of each trainer
    uint32 submissionWindow; // s from now
    uint32 size; // labels in the test set
    uint32 rows; // labels that are committed, out of which the test set is drawn; unread where the requester chooses it
    bytes32 trainCid; // unread where the test set is still to be drawn
    bytes32 testCid; // without labels: the test set, or all rows
    bytes32 truthSeal; // of the test set's labels, or of all rows'
    string context;
}

/// @dev A request's state. OPEN turns into AWAIT_TRUTH by the clock alone; the last four are final.
enum State {
    NONE,
    OPEN, // trainers may submit, and take back
    AWAIT_TRUTH, // past the deadline: the requester owes the labels
    GROUNDED, // the labels are known: trainers owe their counts
    CANDIDATE, // the candidate owes its predictions and its model
    SUCCESS, // the reward is paid
    REFUNDED, // nobody earned the reward: the requester has it back
    CANCELLED, // by the requester: the reward went to the trainers, if there were any
    PUNISHED // the truth was withheld
}

/// @dev A submission's state. Whether one that reported won or lost follows from its request.
enum Phase {
    NONE, // never made, or taken back
    COMMITTED,
    REPORTED,
    SLASHED
}

struct Request {
    address requester;
    uint64 deadline; // Unix s: submissions before, the truth from then on
    uint32 size;
    uint128 reward;
    uint128 stake; // of each trainer
    bytes32 truthSeal;
    address candidate;
    uint40 due; // Unix s: the end of the claims' or the candidate's window
    State state; // AWAIT_TRUTH is never stored
    uint16 claimed; // trainers who reported
    uint16 slashed; // trainers who lost their stake
    uint256 held; // this request's part of the escrow; nothing once it is over
}

/// @dev Where the test set of a request comes from, if a block draws it.
struct Split {
    uint32 rows; // labels committed; 0 where the requester chose the test set
    uint64 born; // the block of the request: only a later one may draw
    bytes32 seed; // of the draw; 0 until then
    bytes32 trainSeal; // SHA-256 of all labels with 0xff in place of the test set's; 0 until they are published
}

struct Submission {
    bytes32 modelSeal;
    bytes32 predictionSeal;
    uint32 correct; // as claimed
    Phase phase;
}
