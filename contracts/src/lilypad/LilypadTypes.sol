// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @dev The rules of all deals of one contract: data, so that another reading of the protocol is another set of values.
struct Rules {
    bool cheapest; // a match must take the cheapest offers
    bool openResults; // anybody may hand in the result of a deal, and is its provider then
    bool compareCounts; // redundant results are equal only if their instruction counts are, too
    bool beaconMediator; // the mediator is drawn by the block's randomness, rather than by its time
    bool conflictCheck; // nobody mediates in a deal of its own
    bool fullMediation; // a mediator's time begins when it is drawn, rather than when results come in
    bool silencePays; // a client that does not judge pays; else its payment stays locked
    bool ownRefunds; // timeouts give back what each party posted; else some give the client the provider's amount
    bool callerRefunds; // when nobody agrees in time, only who calls the timeout gets its own money back
    bool cheaterPays; // a provider whose result is rejected reimburses the mediation fee
    bool slashMinority; // redundant results that lose cost their collateral
    bool treasuryTwice; // the treasury's share is taken of the payment, and paid out to the provider as well
    bool truncates; // percentages divide before they multiply
    uint8 redraws; // how often a mediator that is late is replaced
    uint8 reruns; // how often a void vote is repeated, with two more providers each time
    uint16 collateralBps; // of a result's collateral: 11000 is ten per cent on top
    uint16 treasuryBps; // of each payment
    uint16 pokeBountyBps; // of what a timeout slashes, to whoever calls it
    uint128 minCollateral; // of a result, whatever it costs: an offer of price 0 has something to lose, too
}

/// @dev How a result is found to be right.
enum Verification {
    NONE, // it is not
    MEDIATION, // the client accepts it, or has it checked by a mediator
    REDUNDANCY // several do the job, and the largest group of equal results wins
}

/// @dev What runs the job.
enum Engine {
    DOCKER,
    WASM
}

/// @dev What a client asks for and offers. Amounts in the token's smallest units, times in seconds.
struct Terms {
    Verification verification;
    Engine engine;
    bytes32 specCid; // the whole specification: image, arguments, resources, outputs
    bytes32 inputCid;
    uint32 instructions; // the cap: no more are paid for
    uint8 concurrency; // how many do the job
    uint8 confidence; // how many results must be equal
    uint8 minBids; // with fewer offers there is no match
    uint16 tolerance; // outputs in which equal results may differ; 0 compares hashes
    bool commitResults; // redundant results are committed, and revealed when all are in
    uint16 multiple; // of a job's cost: the collateral of its result
    uint32 bidWindow;
    uint32 agreeWindow; // to match, and again to agree
    uint32 submitWindow;
    uint32 revealWindow;
    uint32 judgeWindow;
    uint32 mediateWindow;
    uint128 maxPrice; // of an instruction
    uint128 payment; // collateral of the client for each provider: no more is paid
    uint128 agreeCollateral; // of client and bidders
    uint128 submitCollateral; // of a provider
    uint128 judgeCollateral; // of the client
    uint128 mediateCollateral; // of a mediator
    uint128 mediationFee;
    uint128 solverFee;
    string context;
}

/// @dev A deal's state; those from ACCEPTED on are final.
enum State {
    NONE,
    OFFERED, // providers may make offers, and mediators enrol
    MATCHED, // client and providers may agree
    AGREED, // providers work
    REVEALING, // committed results may be revealed
    SUBMITTED, // the client may judge
    MEDIATION, // a mediator does the job again
    ACCEPTED,
    MEDIATION_ACCEPTED,
    MEDIATION_REJECTED,
    VERIFIED, // by redundancy
    VOID, // redundant results without a winner
    UNMATCHED,
    TIMEOUT_AGREE,
    TIMEOUT_SUBMIT,
    TIMEOUT_JUDGE,
    TIMEOUT_MEDIATE
}

/// @dev A deal, or the offer of a job that may become one.
struct Deal {
    address client;
    State state;
    uint40 due; // Unix seconds: when the state's window ends
    uint8 run; // of redundant execution, from 0
    uint8 concurrency; // of this run
    bool clientAgreed;
    uint8 agreed; // providers that did
    uint8 submitted; // or committed
    uint8 revealed;
    uint8 draws; // of mediators
    address mediator;
    address solver;
    uint256 held; // what the contract holds for it
}

/// @dev The offer of a resource.
struct Offer {
    address provider;
    uint128 price; // of an instruction
}

/// @dev A provider's part in a deal.
struct Seat {
    address provider;
    bool agreed;
    bool submitted; // or committed
    bool revealed;
    uint32 count; // instructions that it says it took
    uint128 price; // of an instruction
    uint128 collateral; // of its result
    bytes32 result; // its CID; until it is revealed, the commitment
}
