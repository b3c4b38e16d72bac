// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Deal, Rules, Seat, State, Terms, Verification} from "./LilypadTypes.sol";
import {DealStorage} from "./DealStorage.sol";
import {Redundancy} from "./Redundancy.sol";
import {Cause} from "../common/Vault.sol";

/// @title Lilypad: a client pays a stranger to run a job, and has the result checked as often as it likes
/// @notice Offers are matched; both sides put up collateral; the result is accepted, or a mediator does the job again.
/// Instead, several providers may do the same job: see Redundancy.
/// @dev Invariants: token.balanceOf(this) == escrow + owedTotal + treasury; escrow is the sum of what deals hold; each
/// state ends by a call that anybody may make, once its window is over.
contract Lilypad is Redundancy {
    event ResultSubmitted(uint256 indexed id, uint8 run, address indexed provider, bytes32 result, uint32 count, uint40 due);
    event MediationRequested(uint256 indexed id, address indexed mediator, uint40 due);
    event MediationDecided(uint256 indexed id, address indexed mediator, bool accepted);

    error NoMediator(uint256 id);

    constructor(IERC20 token_, Rules memory rules_) DealStorage(token_, rules_) {}

    /// @notice Hand in a result in the open. Pulls its collateral.
    /// @param id the deal's number
    /// @param result the CID
    /// @param count instructions that it took
    /// @param outputs one byte each, quantised; for redundant jobs with a tolerance
    function submitResult(uint256 id, bytes32 result, uint32 count, bytes calldata outputs) external {
        Deal storage deal = _inState(id, State.AGREED);
        bool redundant = _terms[id].verification == Verification.REDUNDANCY;
        if (redundant && _terms[id].commitResults) revert WrongState(id, deal.state);
        if (_rules.openResults && !redundant) _seats[id][0].provider = _replaced(id);
        uint256 at = _hand(id, result, count);
        if (redundant) {
            _count(id, at, result, count, outputs);
            if (deal.submitted == deal.concurrency) _tally(id);
            return;
        }
        (deal.state, deal.due) = (State.SUBMITTED, uint40(block.timestamp + _terms[id].judgeWindow));
        emit ResultSubmitted(id, deal.run, msg.sender, result, count, deal.due);
        if (_terms[id].verification == Verification.NONE) _accept(id, State.ACCEPTED);
    }

    /// @notice Accept a result, and pay for it. By the client.
    /// @param id the deal's number
    function acceptResult(uint256 id) external {
        _judging(id);
        _pay(id, msg.sender, _terms[id].judgeCollateral, Cause.REFUND);
        _accept(id, State.ACCEPTED);
    }

    /// @notice Have a result checked. By the client; pulls the mediation fee.
    /// @param id the deal's number
    function checkResult(uint256 id) external {
        _judging(id);
        Deal storage deal = _deals[id];
        _pay(id, msg.sender, _terms[id].judgeCollateral, Cause.REFUND);
        deal.state = State.MEDIATION;
        if (!_draw(id)) revert NoMediator(id);
        _take(id, msg.sender, _terms[id].mediationFee);
    }

    /// @notice Say whether a result is right. By the mediator that was drawn.
    /// @param id the deal's number
    /// @param accepted whether doing the job again gave the same
    function mediate(uint256 id, bool accepted) external {
        Deal storage deal = _inState(id, State.MEDIATION);
        if (msg.sender != deal.mediator) revert NotParty(id, msg.sender);
        _before(deal.due);
        uint256 fee = _terms[id].mediationFee;
        emit MediationDecided(id, msg.sender, accepted);
        _pay(id, msg.sender, fee, Cause.REWARD);
        if (accepted) return _accept(id, State.MEDIATION_ACCEPTED);
        _pay(id, deal.client, _terms[id].payment, Cause.REFUND);
        _forfeit(id, 0, _rules.cheaterPays ? fee : 0);
        _close(id, State.MEDIATION_REJECTED, address(0), 0);
    }

    /// @notice Go on without results that are late. By anybody.
    /// @param id the deal's number
    function timeoutSubmit(uint256 id) external {
        Deal storage deal = _inState(id, State.AGREED);
        _notBefore(deal.due);
        for (uint256 i; i < _seats[id].length; i++) {
            Seat storage seat = _seats[id][i];
            if (!seat.submitted) _slash(id, seat.provider, _terms[id].submitCollateral, true);
        }
        if (_terms[id].verification == Verification.REDUNDANCY) {
            if (_terms[id].commitResults && deal.submitted != 0) _reveal(id);
            else _tally(id);
            return;
        }
        uint256 judged = _terms[id].verification == Verification.MEDIATION ? _terms[id].judgeCollateral : 0;
        _pay(id, deal.client, _wrong(id, _terms[id].payment + judged), Cause.REFUND);
        _close(id, State.TIMEOUT_SUBMIT, address(0), 0);
    }

    /// @notice Go on without a client that does not judge. By anybody.
    /// @param id the deal's number
    function timeoutJudge(uint256 id) external {
        Deal storage deal = _inState(id, State.SUBMITTED);
        _notBefore(deal.due);
        _slash(id, deal.client, _terms[id].judgeCollateral, true);
        if (_rules.silencePays) return _accept(id, State.TIMEOUT_JUDGE);
        _release(id, 0); // and the payment stays where it is, for good
        _close(id, State.TIMEOUT_JUDGE, _seats[id][0].provider, _seats[id][0].result);
    }

    /// @notice Go on without a mediator that is late: draw another, or give everybody back what it put up. By anybody.
    /// @param id the deal's number
    function timeoutMediate(uint256 id) external {
        Deal storage deal = _inState(id, State.MEDIATION);
        _notBefore(deal.due);
        address[] storage mediators = _mediators[id];
        uint256 i;
        while (mediators[i] != deal.mediator) i++;
        mediators[i] = mediators[mediators.length - 1];
        mediators.pop();
        _slash(id, deal.mediator, _terms[id].mediateCollateral, true);
        if (deal.draws <= _rules.redraws && _draw(id)) return;
        _pay(id, deal.client, uint256(_terms[id].payment) + _terms[id].mediationFee, Cause.REFUND);
        _release(id, 0);
        _close(id, State.TIMEOUT_MEDIATE, address(0), 0);
    }

    function _judging(uint256 id) private view {
        Deal storage deal = _inState(id, State.SUBMITTED);
        if (msg.sender != deal.client) revert NotParty(id, msg.sender);
        _before(deal.due);
    }

    /// @dev Whoever hands in first is the provider; the one that was matched has its collateral back.
    function _replaced(uint256 id) private returns (address) {
        address matched = _seats[id][0].provider;
        if (matched == msg.sender) return matched;
        _pay(id, matched, _terms[id].submitCollateral, Cause.STAKE);
        _take(id, msg.sender, _terms[id].submitCollateral);
        return msg.sender;
    }

    function _accept(uint256 id, State state) private {
        _settle(id, 0);
        _close(id, state, _seats[id][0].provider, _seats[id][0].result);
    }

    /// @dev Draw a mediator, the next one where the drawn one is a party; whether there is one.
    function _draw(uint256 id) private returns (bool) {
        Deal storage deal = _deals[id];
        address[] storage mediators = _mediators[id];
        bytes32 luck = _rules.beaconMediator
            ? keccak256(abi.encode(block.prevrandao, id, deal.draws))
            : keccak256(abi.encode(block.timestamp, id));
        for (uint256 i; i < mediators.length; i++) {
            address drawn = mediators[(uint256(luck) % mediators.length + i) % mediators.length];
            if (_rules.conflictCheck && (drawn == deal.client || drawn == _seats[id][0].provider)) continue;
            deal.mediator = drawn;
            if (_rules.fullMediation || deal.draws != 0) deal.due = uint40(block.timestamp + _terms[id].mediateWindow);
            deal.draws++;
            emit MediationRequested(id, drawn, deal.due);
            return true;
        }
        return false;
    }
}
