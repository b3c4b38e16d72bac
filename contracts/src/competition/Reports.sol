// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Committee} from "./Committee.sol";
import {Competition, Model, Report, Standing, State} from "./CompetitionTypes.sol";
import {Commitments} from "../common/Commitments.sol";

/// @title Reports: what miners say of models, and what that makes of them
/// @notice A report is a count of right answers, or the answers themselves, which are then counted here. Where enough
/// reports agree, what they say is the model's score.
/// @dev Who knows a count, or the labels, does not know which items a model gets wrong: answers that it makes up agree
/// with nobody's who asked the model. Not proven: that a miner itself ran the model, for an accomplice may pass answers
/// on; nor that anybody did, where most make their answers up alike. And miners must evaluate bit by bit alike.
abstract contract Reports is Committee {
    event ReportCommitted(uint256 indexed id, uint32 indexed model, address indexed miner);
    event Reported(uint256 indexed id, uint32 indexed model, address indexed miner, uint32 correct, bytes32 answers);

    error Answers(bool required);
    error Sealed(bool required);
    error TruthSealed(uint256 id);
    error NoSuchModel(uint256 id, uint256 model);
    error AlreadyReported(uint256 id, uint256 model, address miner);
    error TermOutOfRange(string term, uint256 value);
    error TooHigh(uint256 correct, uint256 scale);
    error WrongSeal(bytes32 sent, bytes32 required);
    error NothingToJudge(uint256 id);

    /// @notice Report how many test items a model gets right, in the open.
    /// @param id the competition's number
    /// @param model the model's number in the order of handing in
    /// @param correct right test answers (a count)
    function report(uint256 id, uint32 model, uint32 correct) external {
        if (rules.sealedReports) revert Sealed(true);
        _reveal(id, model, _file(id, model), correct, 0);
    }

    /// @notice Seal a report: `sha256(abi.encode(sha256(abi.encode(model, correct)), salt, miner))`; where reports are
    /// answers, these are in place of the count, unpadded. Pulls the bond.
    /// @param id the competition's number
    /// @param model the model's number in the order of handing in
    /// @param seal the commitment, 32 bytes
    function commitReport(uint256 id, uint32 model, bytes32 seal) external {
        if (!rules.sealedReports) revert Sealed(false);
        _file(id, model).seal = seal;
        emit ReportCommitted(id, model, msg.sender);
    }

    /// @notice Reveal one's committed count.
    /// @param id the competition's number
    /// @param model the model's number in the order of handing in
    /// @param correct right test answers (a count)
    /// @param salt 32 bytes that nobody can guess, chosen when one committed
    function revealReport(uint256 id, uint32 model, uint32 correct, bytes32 salt) external {
        if (rules.proofOfEvaluation) revert Answers(true);
        Report storage entry = _unseal(id, model, sha256(abi.encode(model, correct)), salt);
        _reveal(id, model, entry, correct, 0);
    }

    /// @notice Open one's seal of a model's answers, one byte a test item, of which the right ones are counted here.
    /// @dev The labels come with each report: as calldata, checked by their hash, they cost less than kept and read.
    /// @param id the competition's number
    /// @param model the model's number in the order of handing in
    /// @param answers one byte a test item
    /// @param labels the true test labels, one byte each
    /// @param salt 32 bytes that nobody can guess, chosen when one committed
    function revealAnswers(uint256 id, uint32 model, bytes calldata answers, bytes calldata labels, bytes32 salt) external {
        if (!rules.proofOfEvaluation) revert Answers(false);
        Report storage entry = _unseal(id, model, sha256(abi.encodePacked(uint256(model), answers)), salt);
        if (answers.length != _terms[id].scale) revert TermOutOfRange("scale", answers.length);
        bytes32 truth = sha256(labels);
        if (truth != _competitions[id].labels) revert WrongSeal(truth, _competitions[id].labels);
        entry.seal = keccak256(answers);
        _reveal(id, model, entry, uint32(Commitments.alike(answers, labels)), entry.seal);
    }

    /// @notice Count the reports on the next model. By anybody.
    /// @param id the competition's number
    function judgeNext(uint256 id) external {
        Competition storage competition = _inState(id, State.JUDGING);
        if (!competition.truthOpen || competition.judged == _models[id].length) revert NothingToJudge(id);
        uint32 at = competition.judged++;
        Model storage entry = _models[id][at];
        if (entry.standing == Standing.SEALED) return;
        uint256[] memory said = _said(id, at);
        uint256 n = said.length;
        (uint256 agreeing, uint32 score) = _agreement(said);
        uint256 median = n == 0 ? 0 : said[(n - 1) / 2];
        bool agreed = n >= rules.minReports && agreeing * BPS >= n * rules.quorumBps;
        bool valid = agreed && (!rules.claimBinds || score >= entry.claimed);
        (entry.standing, entry.score) = (valid ? Standing.VALIDATED : Standing.REJECTED, score);
        if (valid && (competition.best == 0 || score > _models[id][competition.best - 1].score))
            competition.best = at + 1;
        emit ModelJudged(id, at, valid, score, uint32(median >> 224), uint16(agreeing), uint16(n));
        _release(id, at, median, agreed, valid);
        _miss(id, at);
    }

    /// @dev Room for the caller's one report on a model.
    function _file(uint256 id, uint32 model) private returns (Report storage entry) {
        Competition storage competition = _competitions[id];
        State state = stateOf(id);
        if (state < State.COMPETITION || state > State.REPORTING) revert WrongState(id, state);
        if (!competition.truthOpen) revert TruthSealed(id);
        if (model >= _models[id].length || _models[id][model].standing != Standing.OPEN) revert NoSuchModel(id, model);
        if (!rules.dualRole && isCompetitor[id][msg.sender]) revert NotMiner(id, msg.sender);
        if (!_seated(id, model)) revert NotDrawn(id, model, msg.sender);
        if (_places[id][model][msg.sender] != 0) revert AlreadyReported(id, model, msg.sender);
        if (_reports[id][model].length == rules.maxReports) revert Full(id);
        entry = _reports[id][model].push();
        entry.miner = msg.sender;
        _places[id][model][msg.sender] = _reports[id][model].length;
        competition.held += rules.bond;
        _deposit(msg.sender, rules.bond);
    }

    /// @dev The caller's report on a model, if what it says opens its commitment.
    function _unseal(uint256 id, uint32 model, bytes32 said, bytes32 salt) private view returns (Report storage entry) {
        _inState(id, State.REVEALING);
        uint256 place = _places[id][model][msg.sender];
        if (place == 0) revert NotMiner(id, msg.sender);
        entry = _reports[id][model][place - 1];
        if (entry.revealed) revert AlreadyReported(id, model, msg.sender);
        bytes32 seal = Commitments.ofWork(said, salt, msg.sender, true);
        if (seal != entry.seal) revert WrongSeal(seal, entry.seal);
    }

    function _reveal(uint256 id, uint32 model, Report storage entry, uint32 correct, bytes32 answers) private {
        if (correct > _terms[id].scale) revert TooHigh(correct, _terms[id].scale);
        (entry.revealed, entry.correct) = (true, correct);
        emit Reported(id, model, entry.miner, correct, answers);
    }
}
