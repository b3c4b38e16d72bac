// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @dev The rules of one contract: data, so that another reading of the protocol is another set of values. Amounts in the
/// token's smallest units, times in seconds.
struct Rules {
    uint64 swapFee; // the community's part of a swap, of 1e18
    uint64 consumeFee; // the community's part of the datatoken that an order takes, of 1e18
    uint16 escrowFeeBps; // the community's part of what a provider claims
    bool bindsFees; // a provider's fee is signed for one order, and spent by it
    bool storesOrders; // only one's own order, of this asset, in its time, is used again
    bool checksAlgorithms; // an order's algorithm must be one that the asset trusts
    bool holdsPrice; // an order's price waits until its job is over
    bool commitsData; // the publisher commits to the data of a job, and the consumer agrees to their sample, first
    bool paysOkOnly; // a run that failed is paid nothing
    bool freeForBuyers; // the free tier is for those who have ordered before
    uint16 freeJobs; // of a consumer, in the free tier
    uint32 orderSeconds; // for which an order may be used again
    uint32 lockWindow; // from the order: to serve the data, to agree, and to lock
    uint32 jobSeconds; // after it: to run and to claim
    uint32 disputeWindow; // from a claim; 0: claims are final
    uint32 auditWindow; // to execute again, and again to reveal
    uint16 auditBps; // of claims, drawn by the block's randomness, that are audited though nobody disputes
    uint16 auditors; // who execute a job again, at most
    uint128 collateral; // of a provider, for each job that it locks
    uint128 auditBond; // of whoever stands by as an auditor
    uint128 disputeBond; // of a consumer who disputes
    uint128 auditFee; // which a consumer pays to those who stand by
}

/// @dev What a published asset is. One with price 0 gives its datatokens away.
struct Asset {
    address datatoken;
    bool algorithm; // else data
    bool allowRaw; // algorithms that nobody published may run on it
    bool trustAny; // no list of trusted algorithms was ever given; an empty list trusts none
    uint16 metricBps; // right answers on the sample, by whatever is trained on the data as described
    uint32 orders; // how many were ever started
    bytes32 checksum; // SHA-256 of the file
    uint256 price; // of one datatoken
    uint256 reserve; // paid for datatokens, and not yet collected
    uint256 maxTokens; // that the dispenser gives at once
    uint256 maxBalance; // with which it gives
}

/// @dev What a provider asks for an order beside its bill, as it signs it.
struct ProviderFee {
    address payee;
    address token;
    uint256 amount;
    uint40 validUntil; // Unix s
    bytes data; // anything: here the minutes that were asked for
    uint8 v;
    bytes32 r;
    bytes32 s;
}

/// @dev What a consumer wants to be run.
struct Order {
    uint256 asset;
    uint256 algorithm; // 0: one that nobody published
    bytes32 raw; // SHA-256 of such a one
    address provider; // who is to run it
    uint32 minutes_; // at most
    ProviderFee fee;
    string context;
}

/// @dev A job's state; from DONE on they are final. The published status numbers are in `Job.status`.
enum State {
    NONE,
    ORDERED,
    SERVED, // the publisher has committed to the data
    AGREED, // the consumer has agreed to their sample
    LOCKED, // the provider runs it
    CLAIMED, // the consumer may dispute
    AUDIT, // auditors execute again
    REVEAL, // auditors and provider say what came out
    DONE,
    FAILED, // the provider says that it could not be run
    EXPIRED, // it was not claimed in time
    LAPSED, // nobody locked it
    OVERTURNED, // the provider's result is wrong
    JUNK, // the data are not what they were described as
    VOID // nobody said what came out
}

struct Job {
    address consumer;
    State state;
    uint8 status; // as operators publish it: 10 started, 31 no data, 32 no algorithm, 70 finished
    bool free;
    bool disputed;
    bool paid; // its order: the price is the publisher's for good
    uint16 panel; // auditors that were drawn: the first in the pool
    uint16 answered; // of them, who have committed; then, with the provider, who have revealed
    uint40 due; // Unix s: the end of the state's window
    address provider;
    uint32 minutes_; // at most; then, what is claimed
    uint32 size; // of the sample, items
    uint40 expiry; // Unix s: of the lock
    uint128 rate; // a minute: the provider's, as it was when the job was ordered
    uint256 asset;
    uint256 algorithm;
    uint256 order; // the job whose datatoken pays for this one
    uint256 price; // held for the publisher
    uint256 locked; // of the consumer's deposit
    uint256 held; // this job's part of the escrow, its lock aside; nothing once it is over
    bytes32 data; // SHA-256 of the data, where the publisher commits to them
    bytes32 result; // a CID; where there are auditors, a commitment to it
}

/// @dev A consumer's deposit.
struct Funds {
    uint256 available;
    uint256 locked;
}

/// @dev What a payer lets a payee lock, and what it has locked.
struct Auth {
    uint256 maxAmount;
    uint256 amount;
    uint40 maxSeconds;
    uint16 maxLocks;
    uint16 locks;
}

/// @dev A node that runs jobs.
struct Node {
    address signer; // of its fees
    uint128 rate; // a minute: the sum of each resource's price times its amount
}

/// @dev What somebody who stands by as an auditor, or the provider, says came out of a job.
struct Answer {
    bool enlisted;
    bytes32 seal; // the commitment to it
    bytes32 key; // of result and minutes; 0 until it is revealed
    bytes32 cid;
    uint32 minutes_;
    uint32 score; // right answers on the sample
}

/// @dev How a job ends.
struct Outcome {
    State state;
    bool refund; // of the order's price to the consumer, for it is not the publisher's
    uint32 minutes_; // that are paid
    bytes32 cid; // of the result, or the commitment to it
    address[] good; // auditors who were right, or all who stood by where nobody was asked
}
