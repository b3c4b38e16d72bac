// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Model, Proposal, Report, State, Worker} from "./ForestTypes.sol";
import {Inference} from "./Inference.sol";
import {Records} from "./Records.sol";
import {Commitments} from "../common/Commitments.sol";
import {Tree} from "../common/Tree.sol";
import {Cause} from "../common/Vault.sol";

/// @title Training: workers who train by public randomness, and report what came of it
/// @notice The dataset, the block's randomness and the algorithm say what the model is, to the byte, so equal reports are
/// a proof of work: enough of them publish a model. A report is the model's CID, the Merkle root over the chunks of its
/// trees, and a mark for each packet.
abstract contract Training is Records {
    mapping(uint256 id => mapping(uint16 epoch => mapping(bytes32 report => uint16))) internal _support;
    mapping(uint256 id => mapping(bytes32 leaf => uint16 epoch)) internal _kept; // chunks, by one more than their training's epoch
    mapping(uint256 id => uint16 epoch) internal _trained; // of the last training that was agreed on
    mapping(uint256 id => bytes32 report) internal _agreed; // with enough support in this epoch
    mapping(uint256 id => bytes) internal _marks; // of that report
    mapping(uint256 id => mapping(bytes32 algorithm => mapping(address who => uint40 from))) internal _voted; // for which proposal

    event Enlisted(uint256 indexed id, address indexed worker);
    event ReportCommitted(uint256 indexed id, uint16 epoch, address indexed worker);
    event AllCommitted(uint256 indexed id, uint16 epoch, uint40 due);
    event Reported(uint256 indexed id, uint16 epoch, address indexed worker, bytes32 cid, bytes32 root, bytes marks);
    event ModelRetrained(uint256 indexed id, uint16 epoch, bytes32 cid, bytes32 root, uint16 support);
    event Serving(uint256 indexed id, uint16 epoch, bytes32 cid, uint40 due);
    event NotAgreed(uint256 indexed id, uint16 epoch, uint16 reports);
    event TreesUploaded(uint256 indexed id, uint16 epoch, bytes32 leaf, address at, uint16 left);
    event AlgorithmProposed(uint256 indexed id, bytes32 algorithm, address indexed by, uint40 from);
    event AlgorithmVoted(uint256 indexed id, bytes32 algorithm, address indexed by);
    event AlgorithmUpdated(uint256 indexed id, bytes32 algorithm, address indexed by);

    error AlreadyEnlisted(uint256 id, address who);
    error AlreadyReported(uint256 id, address who);
    error ReportsAreSealed(bool committed);
    error WrongSeal(bytes32 sent, bytes32 required);
    error WrongRoot(bytes32 computed, bytes32 required);
    error AlreadyUploaded(bytes32 leaf);
    error NotAllowed(bytes32 algorithm);
    error AlreadyProposed(bytes32 algorithm);
    error TooFewVotes(uint256 votes, uint256 required);

    /// @notice Offer one's work, and put up the bond.
    /// @param id the model's number
    function enlist(uint256 id) external {
        Model storage model = _open(id, State.COLLECT);
        Worker storage worker = _workers[id][msg.sender];
        if (worker.enlisted) revert AlreadyEnlisted(id, msg.sender);
        if (_crew[id].length >= _terms[id].maxWorkers || model.epoch != 0) revert Full(id, _crew[id].length);
        (worker.enlisted, worker.bond) = (true, rules.bond);
        _crew[id].push(msg.sender);
        emit Enlisted(id, msg.sender);
        _take(id, rules.bond);
    }

    /// @notice Commit to a report: `sha256(abi.encode(sha256(abi.encode(cid, root, chunks, marks)), salt, worker))`.
    /// @param id the model's number
    /// @param epoch the epoch; stale ones are refused
    /// @param seal the commitment, 32 bytes
    function commitReport(uint256 id, uint256 epoch, bytes32 seal) external {
        Model storage model = _inEpoch(id, epoch, State.TRAIN);
        if (!rules.committed) revert ReportsAreSealed(false);
        Worker storage worker = _asWorker(id);
        if (worker.seal != 0) revert AlreadyReported(id, msg.sender);
        worker.seal = seal;
        emit ReportCommitted(id, model.epoch, msg.sender);
        if (++model.committed == _crew[id].length) _revealing(id);
    }

    /// @dev From now on workers open what they committed to.
    function _revealing(uint256 id) internal {
        Model storage model = _models[id];
        (model.state, model.due) = (State.REVEAL, uint40(block.timestamp + _terms[id].trainWindow));
        emit AllCommitted(id, model.epoch, model.due);
    }

    /// @notice Reveal one's report.
    /// @param id the model's number
    /// @param epoch the epoch; stale ones are refused
    /// @param report what was committed to
    /// @param salt the commitment's salt
    function revealReport(uint256 id, uint256 epoch, Report calldata report, bytes32 salt) external {
        _inEpoch(id, epoch, State.REVEAL);
        bytes32 hash = _hash(report);
        bytes32 seal = Commitments.ofWork(hash, salt, msg.sender, true);
        if (seal != _asWorker(id).seal) revert WrongSeal(seal, _asWorker(id).seal);
        // the first with enough support is published: nobody knew another's before its own was fixed
        if (_report(id, hash, report) == rules.agreeing && _agreed[id] == 0) _agree(id, hash, report);
    }

    /// @notice Report in the open, where reports are not committed. Enough equal ones publish the model at once.
    /// @param id the model's number
    /// @param epoch the epoch; stale ones are refused
    /// @param report the model's CID, the root and number of its chunks, the packets' marks
    function publishModel(uint256 id, uint256 epoch, Report calldata report) external {
        _inEpoch(id, epoch, State.TRAIN);
        if (rules.committed) revert ReportsAreSealed(true);
        _asWorker(id);
        bytes32 hash = _hash(report);
        if (_report(id, hash, report) < rules.agreeing) return;
        _agree(id, hash, report);
        _publish(id);
    }

    function _agree(uint256 id, bytes32 hash, Report calldata report) private {
        Model storage model = _models[id];
        (model.cid, model.root, model.chunks) = (report.cid, report.root, report.chunks);
        (_agreed[id], _marks[id]) = (hash, report.marks);
    }

    function _hash(Report calldata report) private pure returns (bytes32) {
        return sha256(abi.encode(report.cid, report.root, report.chunks, report.marks));
    }

    /// @dev How many reported the same.
    function _report(uint256 id, bytes32 hash, Report calldata report) private returns (uint256) {
        Worker storage worker = _workers[id][msg.sender];
        if (worker.report != 0) revert AlreadyReported(id, msg.sender);
        Model storage model = _models[id];
        worker.report = hash;
        model.revealed++;
        emit Reported(id, model.epoch, msg.sender, report.cid, report.root, report.marks);
        return ++_support[id][model.epoch][hash];
    }

    /// @dev Close the reports of an epoch: the agreed one is the model, or nobody's is, and only the silent are fined.
    function _tally(uint256 id) internal {
        if (_agreed[id] != 0) return _publish(id);
        Model storage model = _models[id];
        emit NotAgreed(id, model.epoch, model.revealed);
        _reckon(id, 0, 0);
        (model.cid, model.root, model.chunks) = (0, 0, 0);
        _serve(id);
    }

    /// @dev The agreed report is the model: settle with the workers, mark the packets, and serve.
    function _publish(uint256 id) private {
        Model storage model = _models[id];
        bytes32 hash = _agreed[id];
        model.uploaded = 0;
        delete _trees[id];
        _trained[id] = model.epoch;
        uint16 support = _support[id][model.epoch][hash];
        _reckon(id, hash, support);
        _mark(id, _marks[id]);
        model.fresh = 0;
        emit ModelRetrained(id, model.epoch, model.cid, model.root, support);
        _serve(id);
    }

    /// @dev Pay those whose report was agreed on; fine who reported otherwise, and who did not report in its time: where
    /// reports are open the first that are enough end that time, and nobody else is late.
    function _reckon(uint256 id, bytes32 agreed, uint256 support) private {
        address[] storage crew = _crew[id];
        uint256 fines;
        for (uint256 i; i < crew.length; i++) {
            bytes32 report = _workers[id][crew[i]].report;
            if (report == 0 ? rules.committed || agreed == 0 : agreed != 0 && report != agreed)
                fines += _fine(id, crew[i]);
            else if (report != 0 && agreed != 0) _pay(id, crew[i], _terms[id].reward / support, Cause.REWARD);
        }
        _keep(id, fines, Cause.SLASH);
    }

    function _serve(uint256 id) internal {
        Model storage model = _models[id];
        (model.state, model.due) = (State.SERVE, uint40(block.timestamp + _terms[id].serveWindow));
        emit Serving(id, model.epoch, model.cid, model.due);
    }

    /// @notice Upload some of the published trees, where the contract answers. By anybody: the root says which they are.
    /// @param id the model's number
    /// @param chunk their nodes
    /// @param proof the siblings of its leaf, from below
    function uploadTrees(uint256 id, bytes calldata chunk, bytes32[] calldata proof) external {
        Model storage model = _open(id, State.SERVE);
        bytes32 leaf = sha256(chunk);
        bytes32 root = leaf;
        for (uint256 i; i < proof.length; i++) {
            root = Tree.pair(root, proof[i]);
        }
        if (root != model.root || chunk.length == 64) revert WrongRoot(root, model.root);
        uint16 trained = _trained[id] + 1; // an epoch without a training serves the trees that are there
        if (_kept[id][leaf] == trained) revert AlreadyUploaded(leaf);
        _kept[id][leaf] = trained;
        address at = Inference.store(chunk);
        _trees[id].push(at);
        emit TreesUploaded(id, model.epoch, leaf, at, model.chunks - ++model.uploaded);
    }

    /// @notice Propose another algorithm: an allowed one, which then takes votes and time; or any, where that is open.
    /// @param id the model's number
    /// @param algorithm the CID of its name or code
    function proposeAlgorithm(uint256 id, bytes32 algorithm) external {
        Model storage model = _open(id, State.COLLECT);
        if (rules.openAlgorithm) {
            model.algorithm = algorithm;
            emit AlgorithmUpdated(id, algorithm, msg.sender);
            return;
        }
        if (!_allowed[id][algorithm]) revert NotAllowed(algorithm);
        _asWorker(id);
        if (_proposals[id][algorithm].from != 0) revert AlreadyProposed(algorithm);
        uint40 from = uint40(block.timestamp + rules.algorithmDelay);
        _proposals[id][algorithm].from = from;
        emit AlgorithmProposed(id, algorithm, msg.sender, from);
    }

    /// @notice Vote for a proposed algorithm. By the workers, once each, however many epochs that takes.
    /// @param id the model's number
    /// @param algorithm the CID that is voted for
    function voteAlgorithm(uint256 id, bytes32 algorithm) external {
        Proposal storage proposal = _proposals[id][algorithm];
        if (proposal.from == 0) revert NotAllowed(algorithm);
        _asWorker(id);
        if (_voted[id][algorithm][msg.sender] == proposal.from) revert AlreadyReported(id, msg.sender);
        _voted[id][algorithm][msg.sender] = proposal.from;
        proposal.votes++;
        emit AlgorithmVoted(id, algorithm, msg.sender);
    }

    /// @notice Let a proposed algorithm take effect. By anybody, once it has the votes and the time.
    /// @param id the model's number
    /// @param algorithm the CID that was voted for
    function activateAlgorithm(uint256 id, bytes32 algorithm) external {
        Model storage model = _inState(id, State.COLLECT);
        Proposal memory proposal = _proposals[id][algorithm];
        if (proposal.from == 0) revert NotAllowed(algorithm);
        if (block.timestamp < proposal.from) revert TooEarly(block.timestamp, proposal.from);
        uint256 required = (_crew[id].length * rules.voteBps + BPS - 1) / BPS;
        if (proposal.votes < required) revert TooFewVotes(proposal.votes, required);
        delete _proposals[id][algorithm];
        model.algorithm = algorithm;
        model.fresh++;
        emit AlgorithmUpdated(id, algorithm, msg.sender);
    }
}
