// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Auth, Funds, Job, Node, State} from "./OceanTypes.sol";
import {Assets} from "./Assets.sol";
import {Cause} from "../common/Vault.sol";

/// @title Escrow: deposits, what they let others lock, and locks that nobody claimed in time
abstract contract Escrow is Assets {
    event NodeRegistered(address indexed node, address signer, uint256 rate);
    event Deposited(address indexed payer, uint256 amount);
    event TakenBack(address indexed payer, uint256 amount);
    event Authorized(address indexed payer, address indexed payee, uint256 amount, uint256 seconds_, uint256 locks);
    event Locked(uint256 indexed id, address indexed provider, uint256 amount, uint40 expiry);

    error NotYourself(address who);
    error NotAuthorized(string limit, uint256 wanted, uint256 allowed);
    error DepositTooSmall(uint256 available, uint256 wanted);
    error Untrusted(uint256 asset, uint256 algorithm);
    error RateTooHigh(uint256 rate, uint256 max);

    /// @notice Offer to run jobs. A new rate is for orders that come after it.
    /// @param signer whose signature makes one's fees one's own
    /// @param prices of each resource, a minute
    /// @param amounts of each resource
    function registerNode(address signer, uint256[] calldata prices, uint32[] calldata amounts) external {
        uint256 rate;
        for (uint256 i; i < prices.length; i++) rate += uint256(prices[i]) * amounts[i];
        if (rate > type(uint128).max) revert RateTooHigh(rate, type(uint128).max);
        nodeOf[msg.sender] = Node(signer, uint128(rate));
        emit NodeRegistered(msg.sender, signer, rate);
    }

    /// @notice Put money down to pay for jobs with.
    /// @param amount of the token
    function deposit(uint256 amount) external {
        fundsOf[msg.sender].available += amount;
        emit Deposited(msg.sender, amount);
        _deposit(msg.sender, amount);
    }

    /// @notice Take back of one's deposit what is not locked.
    /// @param amount of the token
    function takeBack(uint256 amount) external {
        Funds storage funds = fundsOf[msg.sender];
        if (amount > funds.available) revert DepositTooSmall(funds.available, amount);
        funds.available -= amount;
        emit TakenBack(msg.sender, amount);
        _credit(NO_JOB, msg.sender, amount, Cause.REFUND);
    }

    /// @notice Say what a payee may lock of one's deposit from now on; 0 revokes.
    /// @param payee who may lock
    /// @param amount at once, at most
    /// @param seconds_ for how long, at most
    /// @param locks at once, at most
    function authorize(address payee, uint256 amount, uint40 seconds_, uint16 locks) external {
        Auth storage auth = authOf[msg.sender][payee];
        (auth.maxAmount, auth.maxSeconds, auth.maxLocks) = (amount, seconds_, locks);
        emit Authorized(msg.sender, payee, amount, seconds_, locks);
    }

    /// @notice Lock what a job may cost, and start it. By the provider that its order names. One of the free tier costs
    /// nothing.
    /// @param id the job's number
    /// @param amount of the consumer's deposit
    function createLock(uint256 id, uint256 amount) external {
        State ready = rules.commitsData ? State.AGREED : State.ORDERED;
        Job storage job = _paid(id, ready, ready);
        _only(job.provider);
        _trusts(job.asset, job.algorithm);
        if (msg.sender == job.consumer) revert NotYourself(msg.sender);
        _before(job.due);
        _reserve(job, amount);
        (job.state, job.status, job.locked, job.due) = (State.LOCKED, 10, amount, job.expiry);
        emit Locked(id, msg.sender, amount, job.expiry);
        _hold(id, rules.collateral);
    }

    /// @notice End a job that nobody locked, or whose lock nobody claimed in time. By anybody.
    /// @param id the job's number
    function cancelExpired(uint256 id) external {
        Job storage job = _between(id, State.ORDERED, State.LOCKED);
        _from(job.due);
        _lapse(id);
    }

    /// @dev A job that is not of the free tier, between two states.
    function _paid(uint256 id, State first, State last) internal view returns (Job storage job) {
        job = _between(id, first, last);
        if (job.free) revert WrongState(id, job.state);
    }

    /// @dev That a job may start, as its data's publisher says now.
    function _trusts(uint256 asset, uint256 algorithm) internal view {
        if (rules.checksAlgorithms && !trusts(asset, algorithm)) revert Untrusted(asset, algorithm);
    }

    /// @dev The lock, within what its payer allows.
    function _reserve(Job storage job, uint256 amount) private {
        Funds storage funds = fundsOf[job.consumer];
        Auth storage auth = authOf[job.consumer][msg.sender];
        if (auth.amount + amount > auth.maxAmount) revert NotAuthorized("amount", auth.amount + amount, auth.maxAmount);
        uint256 time = job.expiry - block.timestamp;
        if (time > auth.maxSeconds) revert NotAuthorized("seconds", time, auth.maxSeconds);
        if (auth.locks >= auth.maxLocks) revert NotAuthorized("locks", auth.locks + 1, auth.maxLocks);
        if (amount > funds.available) revert DepositTooSmall(funds.available, amount);
        (funds.available, funds.locked) = (funds.available - amount, funds.locked + amount);
        (auth.amount, auth.locks) = (auth.amount + amount, auth.locks + 1);
    }

    /// @dev Everything goes back, but a provider's collateral for a job that it let expire.
    function _lapse(uint256 id) internal virtual;
}
