// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Deal, Engine, Offer, Rules, Seat, State, Terms, Verification} from "./LilypadTypes.sol";
import {DealStorage} from "./DealStorage.sol";
import {Cause} from "../common/Vault.sol";

/// @title Matching: offers of jobs and of resources, what a solver makes of them, and the parties' agreement
abstract contract Matching is DealStorage {
    event JobOffered(
        uint256 indexed id,
        uint8 run,
        address indexed client,
        uint40 due,
        Engine engine,
        Verification verification,
        bytes32 specCid,
        bytes32 inputCid,
        string context
    );
    event ResourceOffered(uint256 indexed id, uint8 run, address indexed provider, uint128 price);
    event MediatorEnrolled(uint256 indexed id, address indexed mediator);
    event DealMatched(uint256 indexed id, uint8 run, address indexed solver, address[] providers, uint40 due);
    event Agreed(uint256 indexed id, uint8 run, address indexed party);
    event DealAgreed(uint256 indexed id, uint8 run, uint40 due);

    error TermOutOfRange(string term, uint256 value);
    error TooEarly(uint256 time, uint256 from);
    error TooLate(uint256 time, uint256 until);
    error TooExpensive(uint256 price, uint256 most);
    error TooMany(uint256 id, uint256 most);
    error TooFewOffers(uint256 offers, uint256 required);
    error AlreadyThere(uint256 id, address who);
    error WrongMatch(uint256 picked, uint256 required);
    error CheaperOffer(uint256 price, uint256 picked);

    /// @notice Offer a job. Pulls the collateral for agreeing to the match.
    /// @param t the terms that are offered
    /// @return id the new deal's number
    function offerJob(Terms calldata t) external returns (uint256 id) {
        _refuse(t.specCid == 0, "specCid", 0);
        _refuse(t.instructions == 0, "instructions", 0);
        _refuse(t.concurrency == 0 || t.concurrency > MOST, "concurrency", t.concurrency);
        bool redundant = t.verification == Verification.REDUNDANCY;
        _refuse(redundant == (t.concurrency == 1), "concurrency", t.concurrency);
        _refuse(t.confidence > t.concurrency, "confidence", t.confidence);
        _refuse(t.agreeCollateral > t.payment, "agreeCollateral", t.agreeCollateral);
        _refuse(t.bidWindow == 0, "bidWindow", 0);
        _refuse(t.agreeWindow == 0, "agreeWindow", 0);
        _refuse(t.submitWindow == 0, "submitWindow", 0);
        id = deals++;
        _terms[id] = t;
        (_deals[id].client, _deals[id].concurrency) = (msg.sender, t.concurrency);
        _open(id);
        _take(id, msg.sender, t.agreeCollateral);
    }

    /// @notice Offer to do a job. Pulls the collateral for agreeing to the match.
    /// @param id the deal's number
    /// @param price of an instruction, in the token's smallest units
    function bid(uint256 id, uint128 price) external {
        Deal storage deal = _open(id, _offers[id].length);
        if (price > _terms[id].maxPrice) revert TooExpensive(price, _terms[id].maxPrice);
        for (uint256 i; i < _offers[id].length; i++) {
            if (_offers[id][i].provider == msg.sender) revert AlreadyThere(id, msg.sender);
        }
        _offers[id].push(Offer(msg.sender, price));
        emit ResourceOffered(id, deal.run, msg.sender, price);
        _take(id, msg.sender, _terms[id].agreeCollateral);
    }

    /// @notice Be one of those of whom a mediator is drawn. Pulls the collateral for mediating in time.
    /// @param id the deal's number
    function enrol(uint256 id) external {
        _open(id, _mediators[id].length);
        for (uint256 i; i < _mediators[id].length; i++) {
            if (_mediators[id][i] == msg.sender) revert AlreadyThere(id, msg.sender);
        }
        _mediators[id].push(msg.sender);
        emit MediatorEnrolled(id, msg.sender);
        _take(id, msg.sender, _terms[id].mediateCollateral);
    }

    /// @notice Match a job with offers. By anybody, which is what a solver is, once offers are in.
    /// @param id the deal's number
    /// @param picks indices of the offers that are taken, in rising order
    function matchOffers(uint256 id, uint256[] calldata picks) external {
        Deal storage deal = _inState(id, State.OFFERED);
        Offer[] storage offers = _offers[id];
        _notBefore(deal.due);
        if (offers.length < _terms[id].minBids) revert TooFewOffers(offers.length, _terms[id].minBids);
        if (picks.length != deal.concurrency) revert WrongMatch(picks.length, deal.concurrency);
        uint256 dearest;
        for (uint256 i; i < picks.length; i++) {
            if (picks[i] >= offers.length || (i != 0 && picks[i] <= picks[i - 1])) revert WrongMatch(picks[i], i);
            if (offers[picks[i]].price > dearest) dearest = offers[picks[i]].price;
        }
        address[] memory providers = new address[](picks.length);
        uint256 next;
        for (uint256 i; i < offers.length; i++) {
            Offer memory offer = offers[i];
            if (next < picks.length && picks[next] == i) {
                providers[next++] = offer.provider;
                Seat storage seat = _seats[id].push();
                (seat.provider, seat.price) = (offer.provider, offer.price);
            } else {
                if (_rules.cheapest && offer.price < dearest) revert CheaperOffer(offer.price, dearest);
                _pay(id, offer.provider, _terms[id].agreeCollateral, Cause.STAKE);
            }
        }
        delete _offers[id];
        (deal.state, deal.due) = (State.MATCHED, uint40(block.timestamp + _terms[id].agreeWindow));
        deal.solver = msg.sender;
        emit DealMatched(id, deal.run, msg.sender, providers, deal.due);
    }

    /// @notice Give up a job that nobody matched in time, or that has too few offers. By anybody.
    /// @param id the deal's number
    function expire(uint256 id) external {
        Deal storage deal = _inState(id, State.OFFERED);
        Offer[] storage offers = _offers[id];
        bool enough = offers.length >= deal.concurrency && offers.length >= _terms[id].minBids;
        uint256 from = deal.due + (enough ? _terms[id].agreeWindow : 0);
        _notBefore(from);
        for (uint256 i; i < offers.length; i++) {
            _pay(id, offers[i].provider, _terms[id].agreeCollateral, Cause.STAKE);
        }
        _pay(id, deal.client, _terms[id].agreeCollateral, Cause.REFUND);
        _close(id, State.UNMATCHED, address(0), 0);
    }

    /// @notice Agree to a deal as one was matched. Pulls the client's payments and the collaterals for what comes next.
    /// @param id the deal's number
    function agree(uint256 id) external {
        Deal storage deal = _inState(id, State.MATCHED);
        Terms storage t = _terms[id];
        _before(deal.due);
        uint256 amount = t.submitCollateral;
        if (msg.sender == deal.client && !deal.clientAgreed) {
            deal.clientAgreed = true;
            amount = _clients(id);
        } else {
            Seat storage seat = _seats[id][_seat(id, msg.sender)];
            if (seat.agreed) revert AlreadyThere(id, msg.sender);
            seat.agreed = true;
            deal.agreed++;
        }
        emit Agreed(id, deal.run, msg.sender);
        _take(id, msg.sender, amount);
        if (deal.clientAgreed && deal.agreed == deal.concurrency) _begin(id);
    }

    /// @notice Call off a deal to which somebody did not agree in time. By anybody.
    /// @param id the deal's number
    function timeoutAgree(uint256 id) external {
        Deal storage deal = _inState(id, State.MATCHED);
        _notBefore(deal.due);
        uint256 bond = _terms[id].agreeCollateral;
        for (uint256 i; i < _seats[id].length; i++) {
            Seat storage seat = _seats[id][i];
            if (!seat.agreed) _slash(id, seat.provider, bond, true);
            else if (_refunds(seat.provider)) _pay(id, seat.provider, bond + _terms[id].submitCollateral, Cause.STAKE);
        }
        if (!deal.clientAgreed) _slash(id, deal.client, bond, true);
        else if (_refunds(deal.client)) _pay(id, deal.client, bond + _wrong(id, _clients(id)), Cause.REFUND);
        _close(id, State.TIMEOUT_AGREE, address(0), 0);
    }

    /// @dev What the client puts up when it agrees.
    function _clients(uint256 id) private view returns (uint256) {
        Terms storage t = _terms[id];
        bool judged = t.verification == Verification.MEDIATION;
        return _deals[id].concurrency * uint256(t.payment) + t.solverFee + (judged ? t.judgeCollateral : 0);
    }

    /// @dev What a timeout gives the client for an amount that has its collateral in it: by the literal rules, the
    /// provider's in its place.
    function _wrong(uint256 id, uint256 amount) internal view returns (uint256) {
        Terms storage t = _terms[id];
        if (_rules.ownRefunds || t.verification != Verification.MEDIATION) return amount;
        return amount - t.judgeCollateral + t.submitCollateral;
    }

    function _refunds(address who) private view returns (bool) {
        return !_rules.callerRefunds || msg.sender == who;
    }

    /// @dev The deal, while people may still offer something in it.
    function _open(uint256 id, uint256 there) private view returns (Deal storage deal) {
        deal = _inState(id, State.OFFERED);
        _before(deal.due);
        if (there >= MOST) revert TooMany(id, MOST);
    }

    /// @dev Everybody agreed: collaterals for that go back, the solver has its fee, providers have their time.
    function _begin(uint256 id) private {
        Deal storage deal = _deals[id];
        Terms storage t = _terms[id];
        for (uint256 i; i < _seats[id].length; i++) {
            _pay(id, _seats[id][i].provider, t.agreeCollateral, Cause.STAKE);
        }
        _pay(id, deal.client, t.agreeCollateral, Cause.REFUND);
        _pay(id, deal.solver, t.solverFee, Cause.REWARD);
        (deal.state, deal.due) = (State.AGREED, uint40(block.timestamp + t.submitWindow));
        emit DealAgreed(id, deal.run, deal.due);
    }

    function _refuse(bool wrong, string memory term, uint256 value) private pure {
        if (wrong) revert TermOutOfRange(term, value);
    }

    function _before(uint256 until) internal view {
        if (block.timestamp >= until) revert TooLate(block.timestamp, until);
    }

    function _notBefore(uint256 from) internal view {
        if (block.timestamp < from) revert TooEarly(block.timestamp, from);
    }

    /// @dev Let offers come.
    function _open(uint256 id) internal {
        Deal storage deal = _deals[id];
        (deal.state, deal.due) = (State.OFFERED, uint40(block.timestamp + _terms[id].bidWindow));
        _announce(id, deal.client, deal.run, deal.due, _terms[id]);
    }

    function _announce(uint256 id, address client, uint8 run, uint40 due, Terms storage t) private {
        emit JobOffered(id, run, client, due, t.engine, t.verification, t.specCid, t.inputCid, t.context);
    }
}
