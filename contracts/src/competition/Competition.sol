// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Competition as Book, Model, Rules, Standing, State, Terms} from "./CompetitionTypes.sol";
import {CompetitionStorage} from "./CompetitionStorage.sol";
import {Reports} from "./Reports.sol";
import {Commitments} from "../common/Commitments.sol";

/// @title Competition: a prize for the best model, that miners find by measuring all of them
/// @notice Models are bytes on chain, within a limit, or CIDs; then nobody checks the limit here. Miners report how many test items each gets right; where enough
/// of them agree, that is its score. The best score takes most of the pool, the miners share the rest.
/// @dev Invariants: token.balanceOf(this) == escrow + owedTotal + treasury; nobody is paid before all models are judged;
/// given somebody who pokes, a competition is over once its windows are and each of its models was judged.
contract Competition is Reports {
    event CompetitionCreated(
        uint256 indexed id,
        address indexed host,
        Terms terms,
        uint40 registerEnd,
        uint40 competeEnd,
        uint40 openEnd,
        uint40 reportEnd,
        uint40 revealEnd
    );
    event Registered(uint256 indexed id, address indexed competitor);
    event ModelCommitted(uint256 indexed id, uint32 indexed model, address indexed owner);
    event ModelOpened(
        uint256 indexed id, uint32 indexed model, address indexed owner, bytes32 hash, uint32 claimed, uint256 size
    );
    event TruthRevealed(uint256 indexed id, bytes labels);

    error NotHost(address who, address host);
    error NotCompetitor(uint256 id, address who);
    error NotOwner(address who, address owner);
    error AlreadyRegistered(uint256 id, address who);
    error AlreadyOpen(uint256 id);
    error Taken(uint256 id);
    error TooLarge(uint256 size, uint256 limit);
    error Copied(uint256 id, bytes32 hash);
    error Unjudged(uint256 id, uint256 models);

    constructor(IERC20 token_, Rules memory rules_) CompetitionStorage(token_, rules_) {}

    /// @notice Call for models. Pulls the prize and the host's stake.
    /// @param t the terms that are offered
    /// @return id the new competition's number
    function createCompetition(Terms calldata t) external returns (uint256 id) {
        bool opens = rules.sealedModels || rules.sealedTruth;
        if (t.scale == 0) revert TermOutOfRange("scale", 0);
        if (t.byteLimit == 0) revert TermOutOfRange("byteLimit", 0);
        if (t.registerWindow == 0) revert TermOutOfRange("registerWindow", 0);
        if (t.competeWindow == 0) revert TermOutOfRange("competeWindow", 0);
        if (opens && t.openWindow == 0) revert TermOutOfRange("openWindow", 0);
        if (t.reportWindow == 0) revert TermOutOfRange("reportWindow", 0);
        if (rules.sealedReports && t.revealWindow == 0) revert TermOutOfRange("revealWindow", 0);
        id = competitions++;
        Book storage book = _competitions[id];
        _terms[id] = t;
        (book.host, book.truthOpen) = (msg.sender, !rules.sealedTruth);
        book.registerEnd = uint40(block.timestamp) + t.registerWindow;
        book.competeEnd = book.registerEnd + t.competeWindow;
        book.openEnd = book.competeEnd + (opens ? t.openWindow : 0);
        book.reportEnd = book.openEnd + t.reportWindow;
        book.revealEnd = book.reportEnd + (rules.sealedReports ? t.revealWindow : 0);
        book.held = uint256(t.prize) + rules.hostStake;
        emit CompetitionCreated(
            id, msg.sender, t, book.registerEnd, book.competeEnd, book.openEnd, book.reportEnd, book.revealEnd
        );
        _deposit(msg.sender, book.held);
    }

    /// @notice Call it off: by the host, before anybody registered.
    /// @param id the competition's number
    function cancelCompetition(uint256 id) external {
        Book storage book = _inState(id, State.REGISTRATION);
        if (msg.sender != book.host) revert NotHost(msg.sender, book.host);
        if (_competitors[id].length != 0) revert Taken(id);
        _refund(id, State.CANCELLED);
    }

    /// @notice Take part. Pulls the buy-in.
    /// @param id the competition's number
    function register(uint256 id) external {
        Book storage book = _inState(id, State.REGISTRATION);
        if (isCompetitor[id][msg.sender]) revert AlreadyRegistered(id, msg.sender);
        if (_competitors[id].length == rules.maxCompetitors) revert Full(id);
        _competitors[id].push(msg.sender);
        isCompetitor[id][msg.sender] = true;
        book.held += _terms[id].buyIn;
        emit Registered(id, msg.sender);
        _deposit(msg.sender, _terms[id].buyIn);
    }

    /// @notice Hand a model (or its CID, where bytes stay off the chain) in, in the open, with the count that it is claimed to get right.
    /// @param id the competition's number
    /// @param model the model's bytes, or its CID where models are not on chain
    /// @param claimed right test answers that the owner claims
    function submitModel(uint256 id, bytes calldata model, uint32 claimed) external {
        if (rules.sealedModels) revert Sealed(true);
        _open(id, _add(id), model, claimed);
    }

    /// @notice Commit to a model: `sha256(abi.encode(sha256(model), salt, owner))`.
    /// @param id the competition's number
    /// @param seal the commitment, 32 bytes
    function commitModel(uint256 id, bytes32 seal) external {
        if (!rules.sealedModels) revert Sealed(false);
        uint32 model = _add(id);
        _models[id][model].hash = seal;
        emit ModelCommitted(id, model, msg.sender);
    }

    /// @notice Reveal one's vote.
    /// @param id the competition's number
    /// @param index the model's number
    /// @param model the model's bytes, or its CID where models are not on chain
    /// @param claimed right test answers that the owner claims
    /// @param salt 32 bytes that nobody can guess, chosen when one committed
    function openModel(uint256 id, uint32 index, bytes calldata model, uint32 claimed, bytes32 salt) external {
        _inState(id, State.OPENING);
        if (index >= _models[id].length) revert NoSuchModel(id, index);
        Model storage entry = _models[id][index];
        if (entry.owner != msg.sender) revert NotOwner(msg.sender, entry.owner);
        if (entry.standing != Standing.SEALED) revert AlreadyOpen(id);
        bytes32 seal = Commitments.ofWork(_hash(model), salt, msg.sender, true);
        if (seal != entry.hash) revert WrongSeal(seal, entry.hash);
        _open(id, index, model, claimed);
        _stir(id, index, salt);
    }

    /// @notice Reveal the test labels, one byte each. By the host.
    /// @param id the competition's number
    /// @param labels the test labels, one byte each
    /// @param salt 32 bytes that nobody can guess, chosen when one committed
    function revealTruth(uint256 id, bytes calldata labels, bytes32 salt) external {
        Book storage book = _inState(id, State.OPENING);
        if (msg.sender != book.host) revert NotHost(msg.sender, book.host);
        if (book.truthOpen) revert AlreadyOpen(id);
        bytes32 seal = Commitments.ofTruth(labels, salt, true);
        if (seal != _terms[id].truth) revert WrongSeal(seal, _terms[id].truth);
        if (labels.length != _terms[id].scale) revert TermOutOfRange("scale", labels.length);
        book.truthOpen = true;
        if (rules.proofOfEvaluation) book.labels = sha256(labels);
        emit TruthRevealed(id, labels);
    }

    /// @notice Pay out, once all models are judged, or none will be. By anybody.
    /// @param id the competition's number
    function settle(uint256 id) external {
        Book storage book = _competitions[id];
        State state = stateOf(id);
        if (state > State.JUDGING || block.timestamp < book.openEnd) revert WrongState(id, state);
        _dismiss(id);
        if (book.opened == 0) return _refund(id, State.VOID);
        if (!book.truthOpen) return _refund(id, State.WITHHELD);
        if (state != State.JUDGING) revert WrongState(id, state);
        if (book.judged != _models[id].length) revert Unjudged(id, _models[id].length - book.judged);
        if (book.best == 0) _refund(id, State.VOID);
        else _award(id);
    }

    /// @dev Room for one more model of the caller's.
    function _add(uint256 id) private returns (uint32 index) {
        _inState(id, State.COMPETITION);
        if (!isCompetitor[id][msg.sender]) revert NotCompetitor(id, msg.sender);
        uint256[] storage own = _modelsOf[id][msg.sender];
        if (rules.maxModels != 0 && own.length >= rules.maxModels) revert Full(id);
        index = uint32(_models[id].length);
        own.push(index);
        _models[id].push().owner = msg.sender;
    }

    /// @dev What a model, or its CID in 32 bytes, is known by.
    function _hash(bytes calldata model) private view returns (bytes32) {
        if (rules.modelsOnChain) return sha256(model);
        if (model.length != 32) revert TooLarge(model.length, 32);
        return bytes32(model);
    }

    function _open(uint256 id, uint32 index, bytes calldata model, uint32 claimed) private {
        if (model.length > _terms[id].byteLimit) revert TooLarge(model.length, _terms[id].byteLimit);
        if (claimed > _terms[id].scale) revert TooHigh(claimed, _terms[id].scale);
        bytes32 hash = _hash(model);
        if (rules.unique && _known[id][hash]) revert Copied(id, hash);
        _known[id][hash] = true;
        Model storage entry = _models[id][index];
        (entry.standing, entry.hash, entry.claimed) = (Standing.OPEN, hash, claimed);
        if (rules.modelsOnChain) _bytes[id][index] = model;
        _competitions[id].opened++;
        emit ModelOpened(id, index, msg.sender, hash, claimed, model.length);
    }
}
