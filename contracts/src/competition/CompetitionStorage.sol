// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Competition, Model, Report, Rules, Standing, State, Terms} from "./CompetitionTypes.sol";
import {Cause, Vault} from "../common/Vault.sol";

/// @title CompetitionStorage: what a competition remembers, tells, counts and pays
/// @notice Invariant: `escrow` is the sum of what is held for each competition, and one that is over holds nothing. A
/// competition holds its prize, the host's stake, the buy-ins, and the bonds of reports that are not judged.
abstract contract CompetitionStorage is Vault {
    uint256 internal constant BPS = 10_000;

    Rules internal rules;
    uint256 public competitions; // how many were ever made; their ids count from 0
    mapping(uint256 id => Competition) internal _competitions;
    mapping(uint256 id => Terms) internal _terms;
    mapping(uint256 id => address[]) internal _competitors; // in the order of registration
    mapping(uint256 id => address[]) internal _miners; // those who earned
    mapping(uint256 id => Model[]) internal _models; // in the order of handing in
    mapping(uint256 id => mapping(address who => uint256[])) internal _modelsOf;
    mapping(uint256 id => mapping(address who => bool)) public isCompetitor;
    mapping(uint256 id => mapping(bytes32 hash => bool)) internal _known;
    mapping(uint256 id => mapping(uint256 model => bytes)) internal _bytes;
    mapping(uint256 id => mapping(uint256 model => Report[])) internal _reports;
    mapping(uint256 id => mapping(uint256 model => mapping(address miner => uint256))) internal _places; // 1 + index
    mapping(uint256 id => mapping(address miner => uint256)) internal _earned; // reports that earn

    event ModelJudged(
        uint256 indexed id, uint32 indexed model, bool valid, uint32 score, uint32 median, uint16 agreeing, uint16 reports
    );
    event Forfeited(uint256 indexed id, uint32 indexed model, address indexed miner, uint256 amount);
    event CompetitionClosed(uint256 indexed id, State state, address winner, uint32 score, uint256 pool);

    error RuleOutOfRange(string rule, uint256 value);
    error NoSuchCompetition(uint256 id);
    error WrongState(uint256 id, State state);

    constructor(IERC20 token_, Rules memory r) Vault(token_) {
        if (r.winnerBps > BPS) revert RuleOutOfRange("winnerBps", r.winnerBps);
        if (r.quorumBps > BPS || 2 * uint256(r.quorumBps) <= BPS) revert RuleOutOfRange("quorumBps", r.quorumBps);
        if (r.minReports == 0 || r.minReports > r.maxReports) revert RuleOutOfRange("minReports", r.minReports);
        if (r.maxCompetitors == 0) revert RuleOutOfRange("maxCompetitors", 0);
        if (r.payWithin < r.tolerance) revert RuleOutOfRange("payWithin", r.payWithin);
        if (r.proofOfEvaluation && r.payWithin != 0) revert RuleOutOfRange("payWithin", r.payWithin);
        if (r.proofOfEvaluation && !r.sealedReports) revert RuleOutOfRange("sealedReports", 0);
        if (r.proofOfEvaluation && !r.sealedTruth) revert RuleOutOfRange("sealedTruth", 0);
        if (r.committee != 0 && (r.committee < r.minReports || r.committee > r.maxReports)) {
            revert RuleOutOfRange("committee", r.committee);
        }
        if (r.committee != 0 && !r.beacon && !r.sealedModels) revert RuleOutOfRange("beacon", 0);
        if (r.pokeBountyBps > BPS) revert RuleOutOfRange("pokeBountyBps", r.pokeBountyBps);
        rules = r;
    }

    /// @notice The rules that hold for all.
    /// @return the contract's rules
    function rulesOf() external view returns (Rules memory) {
        return rules;
    }

    /// @notice A competition.
    /// @param id the competition's number
    /// @return the competition as it stands
    function competitionOf(uint256 id) external view returns (Competition memory) {
        return _competitions[id];
    }

    /// @notice The terms of a competition.
    /// @param id the competition's number
    /// @return the terms that it was posted with
    function termsOf(uint256 id) external view returns (Terms memory) {
        return _terms[id];
    }

    /// @notice Who registered.
    /// @param id the competition's number
    /// @return their addresses in the order of registration
    function competitorsOf(uint256 id) external view returns (address[] memory) {
        return _competitors[id];
    }

    /// @notice All models of a competition: who leads is whoever has the highest score, the earlier of equals.
    /// @param id the competition's number
    /// @return the models in the order of handing in
    function modelsOf(uint256 id) external view returns (Model[] memory) {
        return _models[id];
    }

    /// @notice Somebody's past submissions to a competition, by index.
    /// @param id the competition's number
    /// @param who the account
    /// @return the numbers of the account's models
    function historyOf(uint256 id, address who) external view returns (uint256[] memory) {
        return _modelsOf[id][who];
    }

    /// @notice A model's bytes.
    /// @param id the competition's number
    /// @param model the model's number in the order of handing in
    /// @return the model's bytes; empty before it is revealed
    function bytesOf(uint256 id, uint256 model) external view returns (bytes memory) {
        return _bytes[id][model];
    }

    /// @notice The reports on a model.
    /// @param id the competition's number
    /// @param model the model's number in the order of handing in
    /// @return the reports in the order of filing
    function reportsOn(uint256 id, uint256 model) external view returns (Report[] memory) {
        return _reports[id][model];
    }

    /// @notice The state of a competition.
    /// @param id the competition's number
    /// @return the state, with what the time of the block has changed
    function stateOf(uint256 id) public view returns (State) {
        Competition storage competition = _competitions[id];
        if (competition.host == address(0)) revert NoSuchCompetition(id);
        if (competition.ended != State.NONE) return competition.ended;
        if (block.timestamp < competition.registerEnd) return State.REGISTRATION;
        if (block.timestamp < competition.competeEnd) return State.COMPETITION;
        if (block.timestamp < competition.openEnd) return State.OPENING;
        if (block.timestamp < competition.reportEnd) return State.REPORTING;
        return block.timestamp < competition.revealEnd ? State.REVEALING : State.JUDGING;
    }

    function _inState(uint256 id, State required) internal view returns (Competition storage) {
        State state = stateOf(id);
        if (state != required) revert WrongState(id, state);
        return _competitions[id];
    }

    function _pay(uint256 id, address who, uint256 amount, Cause cause) internal {
        _competitions[id].held -= amount;
        _credit(id, who, amount, cause);
    }

    /// @dev What the revealed reports on a model say, in ascending order: the count above 224 bits, which are those of the
    /// answers' digest where reports are answers, else 0.
    function _said(uint256 id, uint256 model) internal view returns (uint256[] memory said) {
        Report[] storage reports = _reports[id][model];
        said = new uint256[](reports.length);
        uint256 n;
        for (uint256 i; i < reports.length; i++) {
            if (!reports[i].revealed) continue;
            uint256 one = _worth(reports[i]);
            uint256 at = n++;
            for (; at != 0 && said[at - 1] > one; at--) said[at] = said[at - 1];
            said[at] = one;
        }
        assembly ("memory-safe") {
            mstore(said, n)
        }
    }

    function _worth(Report storage entry) private view returns (uint256) {
        return (uint256(entry.correct) << 224) | (rules.proofOfEvaluation ? uint256(entry.seal) >> 32 : 0);
    }

    /// @dev The most reports that agree, and the count of the middle one of them; of equally many the lowest. Answers
    /// agree when they are equal: nothing is tolerated there, so that two digests differ by too much.
    function _agreement(uint256[] memory said) internal view returns (uint256 agreeing, uint32 score) {
        uint256 low;
        for (uint256 high; high < said.length; high++) {
            while (said[high] - said[low] > uint256(rules.tolerance) << 224) low++;
            if (high - low + 1 > agreeing) (agreeing, score) = (high - low + 1, uint32(said[(low + high) / 2] >> 224));
        }
    }

    /// @dev Bonds back, but for those of reports that were not opened or, where a quorum agrees, are too far from the
    /// median. Those near it earn, too, with a validated model. Where none agrees, nobody can tell who lied.
    function _release(uint256 id, uint256 model, uint256 median, bool agreed, bool valid) internal {
        Competition storage competition = _competitions[id];
        Report[] storage reports = _reports[id][model];
        for (uint256 i; i < reports.length; i++) {
            Report storage entry = reports[i];
            uint256 worth = _worth(entry);
            bool near = (worth > median ? worth - median : median - worth) <= uint256(rules.payWithin) << 224;
            if (!entry.revealed || (agreed && !near)) {
                _forfeit(id, model, entry.miner);
                continue;
            }
            _pay(id, entry.miner, rules.bond, Cause.STAKE);
            if (!valid) continue;
            if (_earned[id][entry.miner]++ == 0) _miners[id].push(entry.miner);
            competition.paid++;
        }
    }

    /// @dev Take a bond for good. The bounty is not for carrying out one's own loss.
    function _forfeit(uint256 id, uint256 model, address who) internal {
        if (rules.bond == 0) return;
        uint256 bounty = msg.sender == who ? 0 : uint256(rules.bond) * rules.pokeBountyBps / BPS;
        emit Forfeited(id, uint32(model), who, rules.bond);
        _pay(id, msg.sender, bounty, Cause.BOUNTY);
        _competitions[id].held -= rules.bond - bounty;
        _retain(id, rules.bond - bounty, Cause.SLASH);
    }

    /// @dev The pool to the winner and the miners; a remainder that does not divide stays here, the stake goes back.
    function _award(uint256 id) internal {
        Competition storage competition = _competitions[id];
        uint256 pool = _terms[id].prize + uint256(_terms[id].buyIn) * _competitors[id].length;
        Model storage best = _models[id][competition.best - 1];
        uint256 first = pool * rules.winnerBps / BPS;
        uint256 share = (pool - first) / competition.paid;
        _pay(id, best.owner, first, Cause.REWARD);
        address[] storage miners = _miners[id];
        for (uint256 i; i < miners.length; i++) _pay(id, miners[i], share * _earned[id][miners[i]], Cause.REWARD);
        _pay(id, competition.host, rules.hostStake, Cause.REFUND);
        _close(id, State.SETTLED, best.owner, best.score, pool);
    }

    /// @dev Buy-ins back, and what the host put up to those whose models lie open where it kept the truth, else to the host.
    function _refund(uint256 id, State state) internal {
        Competition storage competition = _competitions[id];
        address[] storage competitors = _competitors[id];
        for (uint256 i; i < competitors.length; i++) _pay(id, competitors[i], _terms[id].buyIn, Cause.STAKE);
        if (state == State.WITHHELD) {
            uint256 bounty = msg.sender == competition.host ? 0 : uint256(rules.hostStake) * rules.pokeBountyBps / BPS;
            _pay(id, msg.sender, bounty, Cause.BOUNTY);
            uint256 share = competition.held / competition.opened;
            Model[] storage models = _models[id];
            for (uint256 i; i < models.length; i++) {
                if (models[i].standing != Standing.SEALED) _pay(id, models[i].owner, share, Cause.SLASH);
            }
        } else {
            _pay(id, competition.host, competition.held, Cause.REFUND);
        }
        _close(id, state, address(0), 0, 0);
    }

    function _close(uint256 id, State state, address winner, uint32 score, uint256 pool) private {
        Competition storage competition = _competitions[id];
        competition.ended = state;
        uint256 dust = competition.held;
        competition.held = 0;
        _retain(id, dust, Cause.FEE);
        emit CompetitionClosed(id, state, winner, score, pool);
    }
}
