// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @dev The rules of all competitions of one contract: data, so that another reading of the protocol is another set of
/// values.
struct Rules {
    uint16 winnerBps; // of the pool, to the best model's owner; the rest is for the miners
    uint16 quorumBps; // of the reports on a model: as many must agree, else it is not validated
    uint16 minReports; // on a model, for it to be validated
    uint16 maxReports; // on a model; keeps every loop within one block
    uint16 maxCompetitors; // the same
    uint16 maxModels; // of a competitor; 0 is no limit
    uint32 tolerance; // counts that differ by no more than this agree
    uint32 payWithin; // of the median report: where a quorum agrees, reports farther off lose their bond
    uint128 bond; // of a report, and of enrolling where miners are drawn
    uint128 hostStake; // lost by a host that withholds the truth
    bool sealedModels; // hashes first, bytes once all are in
    bool sealedTruth; // the test labels are opened once all models are in
    bool sealedReports; // reports are committed, then revealed
    bool dualRole; // a competitor may be a miner
    bool unique; // the same bytes cannot be handed in twice
    bool claimBinds; // a model that is worse than was claimed is not validated
    bool proofOfEvaluation; // a report is a model's answers to the test, and agrees with its equals alone
    bool modelsOnChain; // their bytes; else their hash alone, and that they can be had is their owner's duty
    bool beacon; // a block's randomness draws committees; else what the opened models' commitments were salted with
    uint16 committee; // miners who are drawn for each model out of those who enrolled; 0: they choose themselves
    uint16 pokeBountyBps; // of a bond or stake that is lost, to whoever carries it out
}

/// @dev What a host asks for. Amounts in the token's smallest units, times in seconds.
struct Terms {
    bytes32 trainCid;
    bytes32 testCid;
    bytes32 truth; // CID of the test labels, or the commitment of them
    uint32 scale; // test items
    uint32 byteLimit; // of a model
    uint32 registerWindow;
    uint32 competeWindow;
    uint32 openWindow; // to open models and truth, where any is committed
    uint32 reportWindow;
    uint32 revealWindow; // where reports are committed
    uint128 prize;
    uint128 buyIn;
    string context;
}

/// @dev The clock moves a competition from REGISTRATION to JUDGING; the last four are final.
enum State {
    NONE,
    REGISTRATION, // competitors may register
    COMPETITION, // they may hand in models
    OPENING, // they owe what they committed, the host owes the truth
    REPORTING, // miners may report
    REVEALING, // they owe the opening of their commitments
    JUDGING, // anybody may have models judged, one by one, then settle
    SETTLED, // the best model's owner and the miners are paid
    VOID, // no model was validated: money went back
    WITHHELD, // the host kept the truth: the competitors share what it put up
    CANCELLED // by the host, before anybody registered
}

enum Standing {
    SEALED,
    OPEN,
    VALIDATED,
    REJECTED
}

struct Model {
    address owner;
    Standing standing;
    uint32 claimed; // right answers, as its owner says
    uint32 score; // as validated
    bytes32 hash; // SHA-256 of its bytes, which is its CID; before, the commitment of that
}

struct Report {
    address miner;
    bool revealed;
    uint32 correct;
    bytes32 seal; // opened, the digest of its answers where a report is these
}

/// @dev The miners of a competition, where they are drawn.
struct Panel {
    address[] miners; // in the order in which they enrolled
    bytes32 salts; // of the opened models, together
    bytes32 seed; // of all committees, once it is drawn
}

struct Competition {
    address host;
    State ended; // NONE until it is over
    uint40 registerEnd; // Unix s, as are the others
    uint40 competeEnd;
    uint40 openEnd;
    uint40 reportEnd;
    uint40 revealEnd;
    bool truthOpen;
    uint32 opened; // models whose bytes are here
    uint32 judged; // models, in the order in which they were handed in
    uint32 best; // 1 + index of the best validated model
    uint32 paid; // reports that earn
    bytes32 labels; // SHA-256 of the test labels once they are open, where reports are answers
    uint256 held; // this competition's part of the escrow; nothing once it is over
}
