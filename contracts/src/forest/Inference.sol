// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Inference: regression trees in the code of accounts
/// @notice A chunk is some trees: how many (2 bytes), of each its number of nodes (2 bytes), zeros up to a whole word,
/// then the trees, each filled up to whole words. A node has eight bytes: the feature that is compared, 0xff for a leaf
/// (1); zero (1); the index in the tree of the child where it is above the threshold (2), the other child being the next
/// node; threshold, or a leaf's value (4, signed). All numbers are big-endian.
library Inference {
    uint256 private constant LEAF = 0xff;

    error ChunkTooLong(uint256 length);
    error NotStored(uint256 length);
    error OutOfChunk(uint256 at);

    /// @dev Keep bytes as the code of a new account, behind a STOP so that nobody can run them.
    function store(bytes memory chunk) internal returns (address at) {
        if (chunk.length > 24_575) revert ChunkTooLong(chunk.length);
        // PUSH2 size; DUP1; PUSH1 10; PUSH0; CODECOPY; PUSH0; RETURN; STOP is the first byte of what is kept
        bytes memory code = abi.encodePacked(hex"61", uint16(chunk.length + 1), hex"80600a5f395ff300", chunk);
        assembly ("memory-safe") {
            at := create(0, add(code, 32), mload(code))
        }
        if (at == address(0)) revert NotStored(chunk.length);
    }

    /// @dev The sum of what the trees of all chunks say of some features, and how many trees there are.
    function sum(address[] memory chunks, int32[] calldata features) internal view returns (int256 total, uint256 trees) {
        uint256 most;
        for (uint256 i; i < chunks.length; i++) {
            if (chunks[i].code.length > most) most = chunks[i].code.length;
        }
        bytes memory buffer = new bytes(most + 32); // one for all chunks: memory is dear
        for (uint256 i; i < chunks.length; i++) {
            address chunk = chunks[i];
            assembly ("memory-safe") {
                extcodecopy(chunk, add(buffer, 32), 1, sub(extcodesize(chunk), 1))
            }
            uint256 count = _read(buffer, 0) >> 240;
            trees += count;
            uint256 at = (2 * count + 33) & ~uint256(31);
            for (uint256 tree = 1; tree <= count; tree++) {
                total += _leaf(buffer, at, features);
                at += (8 * (_read(buffer, 2 * tree) >> 240) + 31) & ~uint256(31);
            }
        }
    }

    /// @dev Walk from a tree's first node to a leaf. A threshold is the greatest value that goes to the next node.
    function _leaf(bytes memory buffer, uint256 tree, int32[] calldata features) private pure returns (int32 number) {
        for (uint256 index; ;) {
            uint256 node = _read(buffer, tree + 8 * index) >> 192;
            number = int32(uint32(node));
            if (node >> 56 == LEAF) return number;
            index = features[node >> 56] > number ? (node >> 32) & 0xffff : index + 1;
        }
    }

    /// @dev A word of the buffer, from a byte on; what is past its end is zeros or refused.
    function _read(bytes memory buffer, uint256 at) private pure returns (uint256 word) {
        if (at + 32 > buffer.length) revert OutOfChunk(at);
        assembly ("memory-safe") {
            word := mload(add(add(buffer, 32), at))
        }
    }
}
