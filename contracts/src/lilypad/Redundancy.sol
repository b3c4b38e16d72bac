// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Deal, Seat, State, Terms, Verification} from "./LilypadTypes.sol";
import {Matching} from "./Matching.sol";
import {Cause} from "../common/Vault.sol";
import {Commitments} from "../common/Commitments.sol";

/// @title Redundancy: several providers do one job, and the largest group of equal results wins
/// @notice A tie, a single result, an empty one, or a group below the confidence makes the vote void.
abstract contract Redundancy is Matching {
    event ResultCommitted(uint256 indexed id, uint8 run, address indexed provider);
    event RevealBegan(uint256 indexed id, uint8 run, uint40 due);
    event ResultRevealed(uint256 indexed id, uint8 run, address indexed provider, bytes32 result, uint32 count);
    event ResultsTallied(uint256 indexed id, uint8 run, uint256 revealed, uint256 largest, bool tie, bool valid);

    error AlreadySubmitted(uint256 id, address who);
    error WrongSeal(bytes32 sent, bytes32 required);

    /// @notice Commit to a result: `sha256(abi.encode(sha256(abi.encode(result, count, outputs)), salt, provider))`.
    /// Pulls the collateral of the dearest result.
    /// @param id the deal's number
    /// @param seal the commitment, 32 bytes
    function commitResult(uint256 id, bytes32 seal) external {
        Deal storage deal = _inState(id, State.AGREED);
        if (!_terms[id].commitResults || _terms[id].verification != Verification.REDUNDANCY) revert WrongState(id, deal.state);
        Seat storage seat = _seats[id][_hand(id, seal, type(uint32).max)];
        emit ResultCommitted(id, deal.run, seat.provider);
        if (deal.submitted == deal.concurrency) _reveal(id);
    }

    /// @notice Reveal a result.
    /// @param id the deal's number
    /// @param result the CID
    /// @param count instructions that it took
    /// @param outputs one byte each, quantised; for jobs with a tolerance
    /// @param salt the commitment's salt
    function revealResult(uint256 id, bytes32 result, uint32 count, bytes calldata outputs, bytes32 salt) external {
        Deal storage deal = _inState(id, State.REVEALING);
        _before(deal.due);
        uint256 at = _seat(id, msg.sender);
        Seat storage seat = _seats[id][at];
        if (!seat.submitted || seat.revealed) revert AlreadySubmitted(id, msg.sender);
        bytes32 seal = Commitments.ofWork(sha256(abi.encode(result, count, outputs)), salt, msg.sender, true);
        if (seal != seat.result) revert WrongSeal(seal, seat.result);
        _count(id, at, result, count, outputs);
    }

    /// @notice Count equal results: once all are revealed, or their time is over. By anybody.
    /// @param id the deal's number
    function tally(uint256 id) external {
        Deal storage deal = _inState(id, State.REVEALING);
        if (deal.revealed < deal.submitted && block.timestamp < deal.due) revert TooEarly(block.timestamp, deal.due);
        _tally(id);
    }

    /// @dev Put the collateral up for a result that is handed in, and have that for being in time back.
    function _hand(uint256 id, bytes32 result, uint32 count) internal returns (uint256 at) {
        Deal storage deal = _deals[id];
        _before(deal.due);
        at = _seat(id, msg.sender);
        Seat storage seat = _seats[id][at];
        if (seat.submitted) revert AlreadySubmitted(id, msg.sender);
        (seat.submitted, seat.result, seat.count) = (true, result, count);
        deal.submitted++;
        seat.collateral = uint128(_collateral(id, _cost(id, seat.price, count)));
        _pay(id, msg.sender, _terms[id].submitCollateral, Cause.STAKE);
        _take(id, msg.sender, seat.collateral);
    }

    function _reveal(uint256 id) internal {
        Deal storage deal = _deals[id];
        (deal.state, deal.due) = (State.REVEALING, uint40(block.timestamp + _terms[id].revealWindow));
        emit RevealBegan(id, deal.run, deal.due);
    }

    function _count(uint256 id, uint256 at, bytes32 result, uint32 count, bytes calldata outputs) internal {
        Seat storage seat = _seats[id][at];
        (seat.revealed, seat.result, seat.count) = (true, result, count);
        _deals[id].revealed++;
        if (_terms[id].tolerance != 0) _outputs[id][at] = outputs;
        emit ResultRevealed(id, _deals[id].run, msg.sender, result, count);
    }

    /// @dev Find the largest group. Groups are of results equal to one of them, so with a tolerance they may overlap: two
    /// largest ones are a tie where their centres differ.
    function _tally(uint256 id) internal {
        Deal storage deal = _deals[id];
        uint256 n = _seats[id].length;
        uint256 largest;
        uint256 best;
        bool tie;
        for (uint256 i; i < n; i++) {
            uint256 size = _group(id, i);
            if (size > largest) (largest, best, tie) = (size, i, false);
            else if (size != 0 && size == largest && !_same(id, best, i)) tie = true;
        }
        bool valid = largest > 1 && !tie && largest >= _terms[id].confidence && _seats[id][best].result != 0;
        emit ResultsTallied(id, deal.run, deal.revealed, largest, tie, valid);
        uint256 back;
        for (uint256 i; i < n; i++) {
            Seat storage seat = _seats[id][i];
            if (valid && seat.revealed && _same(id, best, i)) {
                _settle(id, i);
                continue;
            }
            bool guilty = _rules.slashMinority && seat.submitted && (valid || !seat.revealed);
            if (guilty) _forfeit(id, i, 0);
            else _release(id, i);
            back += _terms[id].payment;
        }
        bool again = !valid && deal.run < _rules.reruns;
        _pay(id, deal.client, back - (again ? _terms[id].agreeCollateral : 0), Cause.REFUND);
        if (valid) _close(id, State.VERIFIED, _seats[id][best].provider, _seats[id][best].result);
        else if (again) _again(id);
        else _close(id, State.VOID, address(0), 0);
    }

    /// @dev How many revealed results are the same as this one, itself included.
    function _group(uint256 id, uint256 at) private view returns (uint256 size) {
        if (!_seats[id][at].revealed) return 0;
        for (uint256 i; i < _seats[id].length; i++) {
            if (_seats[id][i].revealed && _same(id, at, i)) size++;
        }
    }

    /// @dev A new run with two more providers. The client's collateral for agreeing was kept of its refund.
    function _again(uint256 id) private {
        Deal storage deal = _deals[id];
        for (uint256 i; i < _seats[id].length; i++) {
            delete _outputs[id][i];
        }
        delete _seats[id];
        deal.run++;
        deal.concurrency += 2;
        (deal.clientAgreed, deal.agreed, deal.submitted, deal.revealed) = (false, 0, 0, 0);
        _open(id);
    }
}
