// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Request, Split, State} from "./ModelMarketTypes.sol";
import {RequestStorage} from "./RequestStorage.sol";

/// @title TestSplit: which rows are the test set, where the requester may not choose
/// @notice The labels of all rows are sealed with the request. A later block's randomness draws the test rows; then the
/// requester publishes the other rows' labels and seals them as published. When it opens all labels both seals must
/// hold, so that a test set that is labelled unlike the training set opens nothing, and its requester is punished.
/// Whoever gives up once the draw is known loses the requester's stake: a draw is not tried again for nothing.
/// @dev Not stopped: a requester who tells an accomplice every label; labels that are wrong in all rows alike, or rows
/// that were picked before they were committed; a builder who misses its slot for another draw. Whoever calls first
/// chooses the block, so given somebody who pokes at once it is the next one, and nobody waits for a better draw.
abstract contract TestSplit is RequestStorage {
    mapping(uint256 id => Split) internal _splits;

    event SplitDrawn(uint256 indexed id, bytes32 seed);
    event TrainingPublished(uint256 indexed id, bytes32 trainCid, bytes32 trainSeal);

    error NothingToDraw(uint256 id);
    error NothingToPublish(uint256 id);

    /// @notice The draw of a request's test rows.
    /// @param id the request's number
    /// @return the draw of the test rows
    function splitOf(uint256 id) external view returns (Split memory) {
        return _splits[id];
    }

    /// @notice The test rows in the order of the draw, none before it: row keccak(seed, i) % rows for i = 0, 1, …, those
    /// that were drawn already left out.
    /// @param id the request's number
    /// @return rows their numbers
    function testRowsOf(uint256 id) public view returns (uint256[] memory rows) {
        (bytes32 seed, uint256 all) = (_splits[id].seed, _splits[id].rows);
        if (seed == 0) return rows;
        bool[] memory taken = new bool[](all);
        rows = new uint256[](_requests[id].size);
        uint256 found;
        for (uint256 i; found < rows.length; i++) {
            uint256 row = uint256(keccak256(abi.encode(seed, i))) % all;
            if (!taken[row]) (rows[found++], taken[row]) = (row, true);
        }
    }

    /// @notice Draw the test rows. By anybody, once, from the block after the request's on.
    /// @param id the request's number
    function drawSplit(uint256 id) external {
        _inState(id, State.OPEN);
        Split storage split = _splits[id];
        if (split.rows == 0 || split.seed != 0) revert NothingToDraw(id);
        if (block.number <= split.born) revert TooEarly(block.number, split.born + 1);
        split.seed = keccak256(abi.encode(block.prevrandao, id));
        emit SplitDrawn(id, split.seed);
    }

    /// @notice Say where the training rows are, and commit to their labels as they are there. By the requester, once.
    /// @param id the request's number
    /// @param trainCid the CID of the training rows
    /// @param trainSeal the commitment to the training rows' labels
    function publishTraining(uint256 id, bytes32 trainCid, bytes32 trainSeal) external {
        Request storage request = _inState(id, State.OPEN);
        if (msg.sender != request.requester) revert NotRequester(msg.sender, request.requester);
        Split storage split = _splits[id];
        if (split.seed == 0 || split.trainSeal != 0) revert NothingToPublish(id);
        split.trainSeal = trainSeal;
        emit TrainingPublished(id, trainCid, trainSeal);
    }

    /// @dev At most half of the rows, so that a draw seldom meets a row twice.
    function _seal(uint256 id, uint32 rows, uint256 size) internal {
        if (rows < 2 * size) revert WrongLength(rows, 2 * size);
        (_splits[id].rows, _splits[id].born) = (rows, uint64(block.number));
    }

    /// @dev Whether a requester knows its draw and has not given the training rows out.
    function _hoarded(uint256 id) internal view returns (bool) {
        return _splits[id].seed != 0 && _splits[id].trainSeal == 0;
    }

    /// @dev The test rows' labels out of all, in the order of the draw. Reverts unless the others are as published.
    function _drawn(uint256 id, bytes calldata labels) internal view returns (bytes memory truth) {
        uint256[] memory rows = testRowsOf(id);
        bytes memory rest = labels;
        truth = new bytes(rows.length);
        for (uint256 i; i < rows.length; i++) {
            (truth[i], rest[rows[i]]) = (labels[rows[i]], 0xff);
        }
        bytes32 seal = sha256(rest);
        if (seal != _splits[id].trainSeal) revert WrongSeal(seal, _splits[id].trainSeal);
    }
}
