// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Deposit, Rules} from "./GolemTypes.sol";

/// @title LockPayment: deposits that a funder locks and a spender pays out
/// @notice A funder locks an amount and a flat fee for a spender. The spender pays people out of the amount, one or many
/// at once, and closes the deposit: the rest goes back. The funder ends a deposit whose time is over.
/// @dev Invariant of the repaired rules: token.balanceOf(this) == held, and of each deposit created + extended == paid +
/// fee + returned. Payments are sent, not withdrawn, as published: the token calls nobody back.
abstract contract LockPayment {
    using SafeERC20 for IERC20;

    uint256 internal constant BPS = 10_000;
    uint256 internal constant MAX_BATCH = 64; // payments in a call: keeps the loop within one block

    IERC20 public immutable token;
    Rules public rules;
    uint256 public held; // what all deposits and bonds say that this contract holds
    mapping(uint256 id => Deposit) internal _deposits;

    event DepositCreated(
        uint256 indexed id,
        address indexed funder,
        address indexed spender,
        uint256 amount,
        uint256 fee,
        uint64 validTo,
        string context
    );
    event DepositExtended(uint256 indexed id, uint256 amount, uint256 fee, uint64 validTo);
    event DepositTransfer(uint256 indexed id, address indexed payee, uint256 amount);
    event DepositFeeTransfer(uint256 indexed id, address indexed spender, uint256 amount);
    event DepositClosed(uint256 indexed id, address indexed by, uint256 returned);
    event DepositTerminated(uint256 indexed id, address indexed by, uint256 returned);

    error DepositExists(uint256 id);
    error NoDeposit(uint256 id);
    error NotSpender(address who, address spender);
    error NotFunder(address who, address funder);
    error NotEnough(uint256 wanted, uint256 left);
    error StillValid(uint256 time, uint256 validTo);
    error OpenChannels(uint256 id, uint256 open);
    error TooMany(uint256 payments, uint256 most);
    error Expired(uint256 time, uint256 validTo);

    constructor(IERC20 token_, Rules memory rules_) {
        (token, rules) = (token_, rules_);
    }

    /// @notice The number of a funder's deposit.
    /// @param funder whose it is
    /// @param nonce the funder's own number for it
    /// @return the deposit's number
    function idOf(address funder, uint64 nonce) public pure returns (uint256) {
        return (uint256(uint160(funder)) << 64) | nonce;
    }

    /// @notice What a deposit is worth now.
    /// @param id the deposit's number
    /// @return all that is known of it
    function getDeposit(uint256 id) external view returns (Deposit memory) {
        return _deposits[id];
    }

    /// @notice Lock an amount for providers and a fee for a spender, from the caller's allowance.
    /// @dev Without `spenderSet` it overwrites what an extension put there before, as published.
    /// @param nonce the caller's own number for it
    /// @param spender who may pay out of it
    /// @param amount for providers
    /// @param fee for the spender
    /// @param validTo Unix s: when it may be ended
    /// @param context what it is for, in words
    function createDeposit(
        uint64 nonce,
        address spender,
        uint128 amount,
        uint128 fee,
        uint64 validTo,
        string calldata context
    ) external {
        if (validTo <= block.timestamp) revert Expired(block.timestamp, validTo);
        uint256 id = idOf(msg.sender, nonce);
        Deposit storage deposit = _deposits[id];
        if (deposit.spender != address(0)) revert DepositExists(id);
        held = held - deposit.amount - deposit.fee + amount + fee;
        (deposit.funder, deposit.spender, deposit.validTo) = (msg.sender, spender, validTo);
        (deposit.amount, deposit.fee) = (amount, fee);
        emit DepositCreated(id, msg.sender, spender, amount, fee, validTo, context);
        _pull(msg.sender, uint256(amount) + fee);
    }

    /// @notice Add to one's deposit, or make it last longer.
    /// @param nonce the caller's own number for it
    /// @param amount more for providers
    /// @param fee more for the spender
    /// @param validTo Unix s: not earlier than before
    function extendDeposit(uint64 nonce, uint128 amount, uint128 fee, uint64 validTo) external {
        uint256 id = idOf(msg.sender, nonce);
        Deposit storage deposit = _deposits[id];
        if (rules.spenderSet && (deposit.spender == address(0) || deposit.closed)) revert NoDeposit(id);
        if (validTo < deposit.validTo) revert Expired(validTo, deposit.validTo);
        deposit.amount += amount;
        deposit.fee += fee;
        deposit.validTo = validTo;
        held += uint256(amount) + fee;
        emit DepositExtended(id, amount, fee, validTo);
        _pull(msg.sender, uint256(amount) + fee);
    }

    /// @notice Pay somebody out of a deposit. By its spender.
    /// @param id the deposit's number
    /// @param payee who is paid
    /// @param amount how much
    function depositTransfer(uint256 id, address payee, uint128 amount) external {
        _spendable(id);
        _transfer(id, payee, amount);
    }

    /// @notice Pay many out of a deposit at once. By its spender.
    /// @param id the deposit's number
    /// @param payments each 160 bits of address and 96 of amount
    function depositTransferPacked(uint256 id, bytes32[] calldata payments) external {
        _spendable(id);
        if (payments.length > MAX_BATCH) revert TooMany(payments.length, MAX_BATCH);
        for (uint256 i; i < payments.length; i++) {
            (address payee, uint96 amount) = _unpacked(payments[i]);
            _transfer(id, payee, amount);
        }
    }

    /// @notice Pay many at once out of the caller's own allowance: MultiTransfer.
    /// @param payments each 160 bits of address and 96 of amount
    function multiTransfer(bytes32[] calldata payments) external {
        if (payments.length > MAX_BATCH) revert TooMany(payments.length, MAX_BATCH);
        for (uint256 i; i < payments.length; i++) {
            (address payee, uint96 amount) = _unpacked(payments[i]);
            token.safeTransferFrom(msg.sender, payee, amount);
        }
    }

    /// @notice Give the rest of a deposit back, and take the fee. By its spender, at any time.
    /// @param id the deposit's number
    function closeDeposit(uint256 id) external {
        Deposit storage deposit = _spendable(id);
        uint256 fee = deposit.fee;
        if (rules.feeByUse) {
            uint256 whole = uint256(deposit.amount) + deposit.spent;
            fee = whole == 0 ? 0 : fee * deposit.spent / whole;
        }
        uint256 back = _end(id);
        emit DepositFeeTransfer(id, msg.sender, fee);
        emit DepositClosed(id, msg.sender, back - fee);
        token.safeTransfer(msg.sender, fee);
        token.safeTransfer(deposit.funder, back - fee);
    }

    /// @notice Take a deposit back whose time is over, with the fee. By its funder, or anybody where the rules say so.
    /// @param id the deposit's number
    function terminateDeposit(uint256 id) external {
        Deposit storage deposit = _there(id);
        if (msg.sender != deposit.funder && !rules.publicEnd) revert NotFunder(msg.sender, deposit.funder);
        bool over = rules.publicEnd ? block.timestamp >= deposit.validTo : block.timestamp > deposit.validTo;
        if (!over) revert StillValid(block.timestamp, deposit.validTo);
        uint256 back = _end(id);
        emit DepositTerminated(id, msg.sender, back);
        token.safeTransfer(deposit.funder, back);
    }

    /// @dev What binds a payment, besides what is left.
    function _bind(uint256 id, address payee, uint128 amount) internal virtual;

    /// @dev Where what was put up goes.
    function _pull(address from, uint256 amount) internal {
        if (amount != 0) token.safeTransferFrom(from, address(this), amount);
    }

    /// @dev Out of a deposit to somebody.
    function _pay(uint256 id, address payee, uint128 amount) internal {
        Deposit storage deposit = _deposits[id];
        deposit.amount -= amount;
        deposit.spent += amount;
        held -= amount;
        emit DepositTransfer(id, payee, amount);
        token.safeTransfer(payee, amount);
    }

    function _there(uint256 id) internal view returns (Deposit storage deposit) {
        deposit = _deposits[id];
        if (deposit.spender == address(0) || (deposit.closed && deposit.amount == 0 && deposit.fee == 0))
            revert NoDeposit(id);
    }

    function _transfer(uint256 id, address payee, uint128 amount) private {
        Deposit storage deposit = _deposits[id];
        _bind(id, payee, amount);
        uint256 left = deposit.amount - deposit.reserved;
        if (amount > left) revert NotEnough(amount, left);
        _pay(id, payee, amount);
    }

    function _end(uint256 id) private returns (uint256 back) {
        Deposit storage deposit = _deposits[id];
        if (rules.channel && deposit.open != 0) revert OpenChannels(id, deposit.open);
        back = uint256(deposit.amount) + deposit.fee;
        (deposit.amount, deposit.fee, deposit.closed) = (0, 0, true);
        held -= back;
    }

    function _spendable(uint256 id) private view returns (Deposit storage deposit) {
        deposit = _there(id);
        if (msg.sender != deposit.spender) revert NotSpender(msg.sender, deposit.spender);
    }

    function _unpacked(bytes32 payment) private pure returns (address payee, uint96 amount) {
        return (address(bytes20(payment)), uint96(uint256(payment)));
    }
}
