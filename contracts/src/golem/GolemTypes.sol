// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @dev The rules of one market: data, so that another reading of the system is another set of values.
struct Rules {
    bool spenderSet; // a deposit is extended only while it is there and open; else at any time, and then overwritten
    bool feeByUse; // the spender's fee is in proportion to what it paid out; else all of it at any close
    bool bindPayee; // a deposit pays none but providers with an agreement, and no more than was accepted
    bool channel; // an agreement reserves its cap in the deposit, and the provider can take what was accepted
    bool dispute; // a provider claims what was not accepted, and auditors rule where the requestor disputes it
    bool publicEnd; // anybody ends a deposit at `validTo`; else its funder alone, after it
    uint32 disputeWindow; // s: in which a requestor may dispute a claim
    uint32 rulingWindow; // s: in which auditors report
    uint16 toleranceBps; // by which a claim may exceed what the auditors find
    uint128 bond; // of a provider, on each channel
    uint128 disputeFee; // put up by who disputes; the loser pays it to the auditors
}

/// @dev Money for the providers of one job, that a spender pays out.
struct Deposit {
    address funder;
    uint64 validTo; // Unix s
    uint32 open; // channels that are not settled
    address spender;
    bool closed;
    uint128 amount; // left for providers
    uint128 fee; // left for the spender
    uint128 spent; // paid to providers
    uint128 reserved; // of `amount`, by channels
}

/// @dev What a requestor and a provider agree on. Prices in the token's smallest units; both sign it (EIP-712).
struct Agreement {
    uint256 deposit;
    address requestor;
    address provider;
    uint64 perCpuSecond;
    uint64 perSecond;
    uint96 fixedPrice;
    uint32 benchmark; // CPU seconds that the task takes at the provider's audited speed
    uint32 cap; // the most that either counter may say, s
    uint64 until; // Unix s: its end
    bytes32 task; // SHA-256 of what is asked for
}

enum ChannelState {
    NONE,
    OPEN,
    CLAIMED, // the provider asks for more than was accepted
    DISPUTED, // the auditors owe their reports
    SETTLED
}

struct Channel {
    ChannelState state;
    uint64 due; // Unix s: the end of the dispute's or the ruling's window
    uint32 cpu; // claimed, s
    uint32 duration; // claimed, s
    uint128 reserve; // of the deposit, not paid yet
    uint128 accepted; // in total; never falls
    uint128 paid;
    uint128 bond;
}
