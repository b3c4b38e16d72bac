// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Agreement, Channel, ChannelState, Deposit, Rules} from "./GolemTypes.sol";
import {LockPayment} from "./LockPayment.sol";

/// @title Golem: the payments of a market of tasks whose agreements and bills are messages
/// @notice Offers, agreements and debit notes are made outside the chain. What is here is the money: deposits, and where
/// the rules have them, channels that bind a deposit to signed agreements, notes that a signature makes payable, and
/// claims that auditors rule on.
/// @dev Invariants: what is accepted never falls; paid <= accepted <= the agreement's cap; a settled channel takes
/// nothing more. Loops go over auditors, at most MAX_AUDITORS.
contract Golem is LockPayment, EIP712 {
    using SafeERC20 for IERC20;

    uint256 private constant MAX_AUDITORS = 9;
    bytes32 private constant AGREEMENT = keccak256(
        "Agreement(uint256 deposit,address requestor,address provider,uint64 perCpuSecond,uint64 perSecond,uint96 fixedPrice,uint32 benchmark,uint32 cap,uint64 until,bytes32 task)"
    );
    bytes32 private constant ACCEPTANCE = keccak256("Acceptance(bytes32 agreement,uint128 total)");

    address[] public auditors;
    mapping(address account => address) private _keys;
    mapping(bytes32 key => Channel) private _channels;
    mapping(uint256 id => mapping(address provider => bytes32)) public channelOf; // the latest
    mapping(bytes32 key => mapping(address auditor => uint256)) public reported; // CPU seconds plus one; 0 is none

    event KeyRegistered(address indexed account, address key);
    event ChannelOpened(uint256 indexed id, bytes32 indexed key, address indexed provider, uint256 reserve);
    event NoteAccepted(uint256 indexed id, bytes32 indexed key, uint256 total);
    event UsageClaimed(uint256 indexed id, bytes32 indexed key, uint32 cpu, uint32 duration, uint64 due, bytes32 cid);
    event ClaimDisputed(uint256 indexed id, bytes32 indexed key, uint64 due);
    event UsageReported(uint256 indexed id, bytes32 indexed key, address indexed auditor, uint32 cpu);
    event DisputeRuled(uint256 indexed id, bytes32 indexed key, uint32 cpu, bool overclaimed);
    event ChannelSettled(uint256 indexed id, bytes32 indexed key, address indexed provider, uint256 paid);

    error Off();
    error BadTerms();
    error NotParty(address who, address party);
    error NotAuditor(address who);
    error WrongKey(address signer, address required);
    error KeyFixed(address account, address key);
    error WrongState(bytes32 key, ChannelState state);
    error NotMore(uint256 total, uint256 accepted);
    error AboveCap(uint256 total, uint256 cap);
    error NotAccepted(uint256 wanted, uint256 accepted);
    error TooLate(uint256 time, uint256 due);
    error TooEarly(uint256 time, uint256 due);
    error AlreadyReported(address auditor);

    constructor(IERC20 token_, Rules memory rules_, address[] memory auditors_)
        LockPayment(token_, rules_)
        EIP712("Golem", "1")
    {
        if (auditors_.length > MAX_AUDITORS) revert TooMany(auditors_.length, MAX_AUDITORS);
        if (rules_.channel && !rules_.bindPayee) revert BadTerms(); // a payment past the channel would be made again
        if (rules_.dispute && (!rules_.channel || rules_.disputeFee > rules_.bond)) revert BadTerms();
        auditors = auditors_;
    }

    /// @notice Say which key signs for the caller, besides its address where that is a key's own. Once: no signature
    /// becomes void.
    /// @param key the address of the key
    function registerKey(address key) external {
        if (_keys[msg.sender] != address(0)) revert KeyFixed(msg.sender, _keys[msg.sender]);
        _keys[msg.sender] = key;
        emit KeyRegistered(msg.sender, key);
    }

    /// @notice Which key signs for an account.
    /// @param account whose
    /// @return the address of the key: the account's own, which stays valid, unless it registered another
    function keyOf(address account) public view returns (address) {
        address key = _keys[account];
        return key == address(0) ? account : key;
    }

    /// @notice All that is known of a channel.
    /// @param key the agreement's digest
    /// @return the channel
    function channel(bytes32 key) external view returns (Channel memory) {
        return _channels[key];
    }

    /// @notice The digest of an agreement, which both sign and which names its channel.
    /// @param a the agreement
    /// @return EIP-712 digest
    function digestOf(Agreement calldata a) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(AGREEMENT, a)));
    }

    /// @notice The digest that a requestor signs to accept so much in total.
    /// @param key the agreement's digest
    /// @param total for all that was used until now
    /// @return EIP-712 digest
    function acceptanceOf(bytes32 key, uint128 total) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(ACCEPTANCE, key, total)));
    }

    /// @notice The price of usage by an agreement: sum of usage times coefficient, plus the fixed price.
    /// @param a the agreement
    /// @param cpu CPU seconds
    /// @param duration seconds
    /// @return the token's smallest units
    function price(Agreement calldata a, uint32 cpu, uint32 duration) public pure returns (uint128) {
        return uint128(a.perCpuSecond) * cpu + uint128(a.perSecond) * duration + a.fixedPrice;
    }

    /// @notice Bind a deposit to a signed agreement. By the provider, who puts up the bond.
    /// @param a the agreement
    /// @param signature the requestor's
    function openChannel(Agreement calldata a, bytes calldata signature) external {
        if (!rules.bindPayee) revert Off();
        if (msg.sender != a.provider) revert NotParty(msg.sender, a.provider);
        Deposit storage deposit = _there(a.deposit);
        if (a.requestor != deposit.funder) revert NotFunder(a.requestor, deposit.funder);
        if (a.until > deposit.validTo) revert Expired(a.until, deposit.validTo);
        if (a.until <= block.timestamp) revert Expired(block.timestamp, a.until);
        bytes32 key = digestOf(a);
        _signed(key, a.requestor, signature);
        Channel storage c = _channels[key];
        if (c.state != ChannelState.NONE) revert WrongState(key, c.state);
        (c.state, c.bond) = (ChannelState.OPEN, rules.bond);
        if (rules.channel) {
            uint128 reserve = price(a, a.cap, a.cap);
            uint256 free = deposit.amount - deposit.reserved;
            if (reserve > free) revert NotEnough(reserve, free);
            c.reserve = reserve;
            deposit.reserved += reserve;
        }
        deposit.open++;
        channelOf[a.deposit][a.provider] = key;
        held += rules.bond;
        emit ChannelOpened(a.deposit, key, a.provider, c.reserve);
        _pull(a.provider, rules.bond);
    }

    /// @notice Make payable what the requestor signed. By anybody; totals are cumulative and only grow.
    /// @param a the agreement
    /// @param total for all that was used until now
    /// @param signature the requestor's
    function acceptNote(Agreement calldata a, uint128 total, bytes calldata signature) external {
        bytes32 key = digestOf(a);
        Channel storage c = _inState(key, ChannelState.OPEN);
        if (total <= c.accepted) revert NotMore(total, c.accepted);
        uint128 most = price(a, a.cap, a.cap);
        if (total > most) revert AboveCap(total, most);
        _signed(acceptanceOf(key, total), a.requestor, signature);
        c.accepted = total;
        emit NoteAccepted(a.deposit, key, total);
    }

    /// @notice Ask for what was used and not accepted. By the provider, once, while the agreement's deposit stands.
    /// @param a the agreement
    /// @param cpu CPU seconds used in all
    /// @param duration seconds used in all
    /// @param cid of the result
    function claimUsage(Agreement calldata a, uint32 cpu, uint32 duration, bytes32 cid) external {
        if (!rules.dispute) revert Off();
        if (msg.sender != a.provider) revert NotParty(msg.sender, a.provider);
        bytes32 key = digestOf(a);
        Channel storage c = _inState(key, ChannelState.OPEN);
        if (block.timestamp >= a.until) revert TooLate(block.timestamp, a.until);
        if (cpu > a.cap || duration > a.cap) revert AboveCap(cpu > duration ? cpu : duration, a.cap);
        uint128 total = price(a, cpu, duration);
        if (total <= c.accepted) revert NotMore(total, c.accepted);
        (c.state, c.cpu, c.duration) = (ChannelState.CLAIMED, cpu, duration);
        c.due = uint64(block.timestamp) + rules.disputeWindow;
        emit UsageClaimed(a.deposit, key, cpu, duration, c.due, cid);
    }

    /// @notice Deny a claim in time, and put up the fee. By the requestor.
    /// @param a the agreement
    function disputeClaim(Agreement calldata a) external {
        if (msg.sender != a.requestor) revert NotParty(msg.sender, a.requestor);
        bytes32 key = digestOf(a);
        Channel storage c = _inState(key, ChannelState.CLAIMED);
        if (block.timestamp >= c.due) revert TooLate(block.timestamp, c.due);
        (c.state, c.due) = (ChannelState.DISPUTED, uint64(block.timestamp) + rules.rulingWindow);
        held += rules.disputeFee;
        emit ClaimDisputed(a.deposit, key, c.due);
        _pull(msg.sender, rules.disputeFee);
    }

    /// @notice Say how many CPU seconds a disputed result was worth. By an auditor, once.
    /// @param id the deposit's number
    /// @param key the agreement's digest
    /// @param cpu CPU seconds by the benchmark; none for no result
    function reportUsage(uint256 id, bytes32 key, uint32 cpu) external {
        if (!_audits(msg.sender)) revert NotAuditor(msg.sender);
        Channel storage c = _inState(key, ChannelState.DISPUTED);
        if (block.timestamp >= c.due) revert TooLate(block.timestamp, c.due);
        if (reported[key][msg.sender] != 0) revert AlreadyReported(msg.sender);
        reported[key][msg.sender] = uint256(cpu) + 1;
        emit UsageReported(id, key, msg.sender, cpu);
    }

    /// @notice Pay what a channel owes, and end it. By its provider at any time, by anybody once a window or the
    /// agreement is over; of a claim once it stands, of a dispute once all auditors have reported or their time is over.
    /// @param a the agreement
    function settle(Agreement calldata a) external {
        bytes32 key = digestOf(a);
        Channel storage c = _channels[key];
        ChannelState state = c.state;
        if (state == ChannelState.NONE || state == ChannelState.SETTLED) revert WrongState(key, state);
        uint256 back = c.bond;
        if (state == ChannelState.OPEN) {
            if (msg.sender != a.provider && block.timestamp < a.until) revert TooEarly(block.timestamp, a.until);
        } else {
            if (block.timestamp < c.due && !(state == ChannelState.DISPUTED && _count(key) == auditors.length))
                revert TooEarly(block.timestamp, c.due);
            if (state == ChannelState.CLAIMED) c.accepted = price(a, c.cpu, c.duration);
            else back = _rule(a, key, c);
        }
        c.state = ChannelState.SETTLED;
        uint128 due = rules.channel ? c.accepted - c.paid : 0;
        Deposit storage deposit = _deposits[a.deposit];
        deposit.open--;
        deposit.reserved -= c.reserve;
        c.reserve = 0;
        c.paid += due;
        held -= back;
        emit ChannelSettled(a.deposit, key, a.provider, c.paid);
        if (back != 0) token.safeTransfer(a.provider, back);
        if (due != 0) _pay(a.deposit, a.provider, due);
    }

    /// @dev Decide a dispute by the median report: pay for no more than it, and have the loser pay the auditors. Without
    /// a report the claim stands, and everybody has back what it put up. Returns what the provider has back of its bond.
    function _rule(Agreement calldata a, bytes32 key, Channel storage c) private returns (uint256 back) {
        uint256 count = _count(key);
        back = c.bond;
        uint256 fee = rules.disputeFee;
        if (count == 0) {
            c.accepted = price(a, c.cpu, c.duration);
            _send(a.requestor, fee);
            return back;
        }
        uint32 found = _median(key, count);
        bool overclaimed = found == 0 || c.cpu * BPS > found * (BPS + rules.toleranceBps);
        uint128 worth = found == 0 ? 0 : price(a, c.cpu < found ? c.cpu : found, c.duration < found ? c.duration : found);
        if (!overclaimed) worth = price(a, c.cpu, c.duration);
        if (worth > c.accepted) c.accepted = worth;
        emit DisputeRuled(a.deposit, key, found, overclaimed);
        if (overclaimed) {
            _send(a.requestor, back); // its own fee, and the rest of the bond
            back = 0;
        }
        _reward(key, found, fee);
    }

    /// @dev Share a fee among the auditors who reported what was found, within the tolerance.
    function _reward(bytes32 key, uint32 found, uint256 fee) private {
        uint256 right;
        for (uint256 i; i < auditors.length; i++) if (_agrees(key, auditors[i], found)) right++;
        uint256 part = fee / right + fee % right; // the median is somebody's
        for (uint256 i; i < auditors.length; i++) {
            if (!_agrees(key, auditors[i], found)) continue;
            _send(auditors[i], part);
            part = fee / right;
        }
    }

    function _agrees(bytes32 key, address auditor, uint32 found) private view returns (bool) {
        uint256 said = reported[key][auditor];
        if (said == 0) return false;
        uint256 apart = said - 1 > found ? said - 1 - found : found - (said - 1);
        return apart * BPS <= uint256(found) * rules.toleranceBps;
    }

    function _send(address who, uint256 amount) private {
        held -= amount;
        if (amount != 0) token.safeTransfer(who, amount);
    }

    /// @dev A payment of the spender's: to a provider with an agreement, out of its reserve, of what was accepted.
    function _bind(uint256 id, address payee, uint128 amount) internal override {
        if (!rules.bindPayee) return;
        bytes32 key = channelOf[id][payee];
        Channel storage c = _channels[key];
        if (c.state == ChannelState.NONE || c.state == ChannelState.SETTLED) revert WrongState(key, c.state);
        if (amount > c.accepted - c.paid) revert NotAccepted(amount, c.accepted - c.paid);
        c.paid += amount;
        if (rules.channel) {
            c.reserve -= amount;
            _deposits[id].reserved -= amount;
        }
    }

    function _signed(bytes32 digest, address account, bytes calldata signature) private view {
        address signer = ECDSA.recover(digest, signature);
        if (signer != account && signer != _keys[account]) revert WrongKey(signer, keyOf(account));
    }

    function _inState(bytes32 key, ChannelState required) private view returns (Channel storage c) {
        c = _channels[key];
        if (c.state != required) revert WrongState(key, c.state);
    }

    function _audits(address who) private view returns (bool) {
        for (uint256 i; i < auditors.length; i++) if (auditors[i] == who) return true;
        return false;
    }

    function _count(bytes32 key) private view returns (uint256 count) {
        for (uint256 i; i < auditors.length; i++) if (reported[key][auditors[i]] != 0) count++;
    }

    /// @dev The lower median: as many report no more as report no less, or one more.
    function _median(bytes32 key, uint256 count) private view returns (uint32) {
        uint256[] memory said = new uint256[](count);
        uint256 n;
        for (uint256 i; i < auditors.length; i++) {
            uint256 one = reported[key][auditors[i]];
            if (one == 0) continue;
            uint256 j = n++;
            for (; j > 0 && said[j - 1] > one; j--) said[j] = said[j - 1];
            said[j] = one;
        }
        return uint32(said[(count - 1) / 2] - 1);
    }
}
