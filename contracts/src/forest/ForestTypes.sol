// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @dev The rules of all communal models of one contract: data, so that another reading of the protocol is another set
/// of values. Amounts in the token's smallest units, times in seconds.
struct Rules {
    bool onChain; // the contract itself answers, from uploaded trees; else workers do
    bool byCid; // records are handed in by their CID; else their bytes are in the transaction, and in storage
    bool openDataset; // anybody may put another dataset in the place of the records
    bool openAlgorithm; // anybody may change the algorithm, at once
    bool committed; // workers commit to their reports, then reveal them
    bool forgetting; // owners may have their records forgotten
    uint16 agreeing; // equal reports that publish a model
    uint16 answers; // equal answers that fulfil a request
    uint16 quota; // packets of one owner for one epoch; 0 for no limit
    uint16 maxPackets; // of one model, ever: what keeps every loop within one block
    uint16 retrainBatch; // new packets that make a new training worth it
    uint16 dividendBps; // of a prediction's fee, to those whose records are in the model
    uint16 workerBps; // of a prediction's fee, to who answered; the rest is the treasury's
    uint16 slashBps; // of a bond, for a report or an answer that was outvoted
    uint16 voteBps; // of the workers: what an algorithm needs
    uint32 packetBytes; // of one packet, at most
    uint32 answerWindow; // to answer a request, and again for the others once it is challenged
    uint32 challengeWindow; // for the user, after an answer; 0 for none
    uint32 algorithmDelay; // from a proposal to its activation
    uint128 fee; // of a packet: the treasury's
    uint128 deposit; // of a packet: back once it is included, lost when it is rejected
    uint128 predictionFee;
    uint128 bond; // of each worker
    uint128 challengeBond; // of a user who challenges: the workers' if they uphold the answer
}

/// @dev What a steward asks for.
struct Terms {
    uint16 epochs;
    uint16 maxWorkers;
    uint32 collectWindow;
    uint32 trainWindow; // to report, or to commit, and again to reveal
    uint32 serveWindow;
    uint128 reward; // an epoch: shared by the workers whose report was published
}

/// @dev A model's state. The last is final.
enum State {
    NONE,
    COLLECT, // records come and go
    TRAIN, // workers owe reports, or commitments to them
    REVEAL, // workers owe what they committed to
    SERVE, // the model answers requests
    CLOSED
}

struct Model {
    address steward;
    State state;
    uint16 epoch; // from 0
    uint40 due; // Unix s: the end of the state's window
    uint16 fresh; // packets that came, or were forgotten, since the last training
    uint16 committed;
    uint16 revealed;
    uint16 chunks; // of the published trees
    uint16 uploaded;
    uint32 open; // requests that are not over
    bytes32 algorithm;
    bytes32 dataset; // Merkle root over the packets, or whatever somebody put in its place
    bytes32 seed; // of this epoch's training: a block's randomness
    bytes32 cid; // of the published model
    bytes32 root; // Merkle root over the chunks of its trees
    uint256 dividends; // of this epoch's fees
    uint256 wages; // the same, where the contract answers
    uint256 held; // this model's part of the escrow; nothing once it is over
}

enum Status {
    NONE,
    SUBMITTED,
    INCLUDED,
    REJECTED,
    FORGOTTEN
}

/// @dev Records that were handed in together.
struct Packet {
    address owner;
    Status status;
    uint8 mark; // its weight in dividends, as the last report has it
    uint16 epoch;
    uint128 deposit; // still held
    bytes32 leaf; // SHA-256 of its bytes
}

struct Worker {
    bool enlisted;
    uint128 bond; // what is left of it
    bytes32 seal; // of this epoch's report
    bytes32 report; // hash of this epoch's report
}

/// @dev What a worker says of an epoch.
struct Report {
    bytes32 cid; // of the model
    bytes32 root; // Merkle root over the chunks of its trees
    uint16 chunks;
    bytes marks; // one byte for each packet that stands: its weight in dividends; 0 rejects it
}

enum Phase {
    NONE,
    REQUESTED,
    ANSWERED,
    CHALLENGED,
    FULFILLED,
    OVERTURNED, // fulfilled with another answer; the fee is back
    REFUNDED
}

struct Request {
    uint256 model;
    address user;
    Phase phase;
    uint40 due; // Unix s
    int32 value;
    uint128 fee;
}

struct Answer {
    address worker;
    int32 value;
}

struct Proposal {
    uint40 from; // Unix s: not active before; 0 for none
    uint16 votes;
}
