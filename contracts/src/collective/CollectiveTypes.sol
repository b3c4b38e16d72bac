// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @dev The rules of all experiments of one contract: data, so that another reading of the protocol is another set of
/// values.
struct Rules {
    bool strict; // approvals above the threshold, rather than at it
    bool countsProposer; // the threshold is of all learners, rather than of those who may vote
    bool sealedVotes; // votes are committed, then revealed
    bool beaconOrder; // proposers are drawn by the block's randomness, rather than in turn
    bool distinct; // a proposal must differ from the current model
    uint16 minLearners; // below, nothing begins
    uint16 quorumBps; // of the threshold's denominator: fewer votes accept nothing
    uint16 absenceBps; // of the stake put up: the fine for a turn or a vote that was missed
    uint16 pokeBountyBps; // of a fine, to whoever carries it out
}

/// @dev What a convener asks for. Amounts in the token's smallest units, times in seconds.
struct Terms {
    bytes32 archHash; // of the architecture that the learners agree on
    bytes32 initCid; // of the model that the first round starts from
    uint16 thresholdBps;
    uint16 rounds;
    uint16 maxLearners; // keeps every loop within one block
    uint32 enrolWindow;
    uint32 proposeWindow;
    uint32 voteWindow; // to vote, or to commit, and again to reveal
    uint128 stake; // of each learner
    uint128 proposerReward; // a round: for a proposal that is accepted
    uint128 voterReward; // a round: shared by those who voted for what came of it
    string context;
}

/// @dev An experiment's state; the last two are final. COMMIT turns into VOTE by the clock too.
enum State {
    NONE,
    ENROL, // learners may join
    PROPOSE, // the proposer owes a model
    COMMIT, // the others owe committed votes
    VOTE, // the others owe votes, or the opening of their commitments
    FINISHED, // all rounds are over
    ABORTED // too few enrolled
}

enum Choice {
    NONE,
    SEALED,
    REJECT,
    APPROVE
}

struct Vote {
    bytes32 seal;
    uint32 score; // as the voter says, of its own vote set
    Choice choice;
}

struct Seat {
    bool taken;
    uint128 stake; // what is left of it
}

struct Experiment {
    address convener;
    State state;
    uint16 round; // from 0
    uint16 committed; // of this round's voters
    uint16 revealed;
    uint16 approvals;
    uint40 due; // Unix s: the end of the state's window
    address proposer;
    bytes32 cid; // the current model
    bytes32 proposed; // the model that is voted on
    bytes32 head; // of the history of models, each link a hash of the one before
    uint256 held; // this experiment's part of the escrow; nothing once it is over
}
