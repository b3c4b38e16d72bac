// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Deal, Offer, Rules, Seat, State, Terms} from "./LilypadTypes.sol";
import {Cause, Vault} from "../common/Vault.sol";

/// @title DealStorage: deals, their offers and seats, and the money that is held for each
abstract contract DealStorage is Vault {
    uint256 internal constant BPS = 10_000;
    uint256 internal constant MOST = 32; // offers, and mediators, of a deal: keeps every loop within one block

    Rules internal _rules;
    uint256 public deals; // how many were ever made; their ids count from 0
    mapping(uint256 id => Deal) internal _deals;
    mapping(uint256 id => Terms) internal _terms;
    mapping(uint256 id => Offer[]) internal _offers; // of the present run
    mapping(uint256 id => Seat[]) internal _seats; // of the present run
    mapping(uint256 id => address[]) internal _mediators; // in the order of enrolling
    mapping(uint256 id => mapping(uint256 seat => bytes)) internal _outputs; // of the present run, quantised

    event Slashed(uint256 indexed id, address indexed who, uint256 amount);
    event DealClosed(uint256 indexed id, State state, address winner, bytes32 result);

    error RuleOutOfRange(string rule, uint256 value);
    error NoSuchDeal(uint256 id);
    error WrongState(uint256 id, State state);
    error NotParty(uint256 id, address who);

    constructor(IERC20 token_, Rules memory rules_) Vault(token_) {
        if (rules_.treasuryBps > BPS) revert RuleOutOfRange("treasuryBps", rules_.treasuryBps);
        if (rules_.pokeBountyBps > BPS) revert RuleOutOfRange("pokeBountyBps", rules_.pokeBountyBps);
        if (rules_.reruns > 4) revert RuleOutOfRange("reruns", rules_.reruns);
        _rules = rules_;
    }

    /// @notice The rules of all deals.
    /// @return the rules that the contract was made with
    function rules() external view returns (Rules memory) {
        return _rules;
    }

    /// @notice A deal, or the offer of a job.
    /// @param id the deal's number
    /// @return the deal as it stands
    function dealOf(uint256 id) external view returns (Deal memory) {
        return _deals[id];
    }

    /// @notice The terms of a deal.
    /// @param id the deal's number
    /// @return the terms that the job was offered with
    function termsOf(uint256 id) external view returns (Terms memory) {
        return _terms[id];
    }

    /// @notice Who offers to do the job.
    /// @param id the deal's number
    /// @return the offers of this run in the order in which they came
    function offersOf(uint256 id) external view returns (Offer[] memory) {
        return _offers[id];
    }

    /// @notice Who does the job.
    /// @param id the deal's number
    /// @return the seats of this run
    function seatsOf(uint256 id) external view returns (Seat[] memory) {
        return _seats[id];
    }

    /// @notice Who may be drawn to mediate.
    /// @param id the deal's number
    /// @return the mediators in the order of enrolling
    function mediatorsOf(uint256 id) external view returns (address[] memory) {
        return _mediators[id];
    }

    /// @dev What a provider is paid for a count of instructions: no more than the cap and the payment collateral.
    function _cost(uint256 id, uint256 price, uint256 count) internal view returns (uint256) {
        Terms storage t = _terms[id];
        uint256 cost = price * (count < t.instructions ? count : t.instructions);
        return cost < t.payment ? cost : t.payment;
    }

    /// @dev The collateral of a result that costs so much.
    function _collateral(uint256 id, uint256 cost) internal view returns (uint256) {
        uint256 bare = cost * _terms[id].multiple;
        uint256 scaled = _rules.truncates ? bare * (_rules.collateralBps / BPS) : bare * _rules.collateralBps / BPS;
        return scaled < _rules.minCollateral ? _rules.minCollateral : scaled;
    }

    function _inState(uint256 id, State required) internal view returns (Deal storage deal) {
        deal = _deals[id];
        if (deal.state == State.NONE) revert NoSuchDeal(id);
        if (deal.state != required) revert WrongState(id, deal.state);
    }

    function _seat(uint256 id, address who) internal view returns (uint256) {
        for (uint256 i; i < _seats[id].length; i++) {
            if (_seats[id][i].provider == who) return i;
        }
        revert NotParty(id, who);
    }

    function _take(uint256 id, address who, uint256 amount) internal {
        _deals[id].held += amount;
        _deposit(who, amount);
    }

    function _pay(uint256 id, address who, uint256 amount, Cause cause) internal {
        _deals[id].held -= amount;
        _credit(id, who, amount, cause);
    }

    /// @dev What somebody put up and lost. Of what a timeout slashes, the caller has a bounty, unless it is its own.
    function _slash(uint256 id, address who, uint256 amount, bool late) internal {
        if (amount == 0) return;
        emit Slashed(id, who, amount);
        uint256 bounty = late && msg.sender != who ? amount * _rules.pokeBountyBps / BPS : 0;
        _pay(id, msg.sender, bounty, Cause.BOUNTY);
        _deals[id].held -= amount - bounty;
        _retain(id, amount - bounty, Cause.SLASH);
    }

    /// @dev A provider's pay, less the treasury's share, and what the client put up for it beyond that.
    function _settle(uint256 id, uint256 at) internal {
        Seat storage seat = _seats[id][at];
        uint256 cost = _cost(id, seat.price, seat.count);
        uint256 share = cost * _rules.treasuryBps / BPS;
        _pay(id, seat.provider, _rules.treasuryTwice ? cost : cost - share, Cause.REWARD);
        if (!_rules.treasuryTwice) _deals[id].held -= share;
        _retain(id, share, Cause.FEE); // taken twice, it is money that belongs to other deals
        _pay(id, _deals[id].client, _terms[id].payment - cost, Cause.REFUND);
        _release(id, at);
    }

    /// @dev A result's collateral, back to whoever put it up.
    function _release(uint256 id, uint256 at) internal {
        Seat storage seat = _seats[id][at];
        (uint256 amount, address who) = (seat.collateral, seat.provider);
        seat.collateral = 0;
        _pay(id, who, amount, Cause.STAKE);
    }

    /// @dev A result's collateral, lost: of it, so much to the client.
    function _forfeit(uint256 id, uint256 at, uint256 reimbursed) internal {
        Seat storage seat = _seats[id][at];
        uint256 amount = seat.collateral;
        if (reimbursed > amount) reimbursed = amount;
        seat.collateral = 0;
        _pay(id, _deals[id].client, reimbursed, Cause.SLASH);
        _slash(id, seat.provider, amount - reimbursed, false);
    }

    /// @dev The end. Mediators who are still enrolled have their collateral back.
    function _close(uint256 id, State state, address winner, bytes32 result) internal {
        _deals[id].state = state;
        address[] storage mediators = _mediators[id];
        for (uint256 i; i < mediators.length; i++) {
            _pay(id, mediators[i], _terms[id].mediateCollateral, Cause.STAKE);
        }
        delete _mediators[id];
        emit DealClosed(id, state, winner, result);
    }

    /// @dev Whether two revealed results are the same: by hash, or within the tolerance by their quantised outputs.
    function _same(uint256 id, uint256 a, uint256 b) internal view returns (bool) {
        Seat storage one = _seats[id][a];
        Seat storage two = _seats[id][b];
        if (_rules.compareCounts && one.count != two.count) return false;
        if (one.result == two.result) return true;
        uint256 tolerance = _terms[id].tolerance;
        bytes memory left = _outputs[id][a];
        bytes memory right = _outputs[id][b];
        if (tolerance == 0 || left.length != right.length) return false;
        uint256 apart;
        for (uint256 i; i < left.length; i++) {
            if (left[i] != right[i]) apart++;
        }
        return apart <= tolerance;
    }
}
