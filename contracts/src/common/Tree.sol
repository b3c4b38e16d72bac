// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Tree: Merkle trees of SHA-256 whose pairs are sorted
library Tree {
    function pair(bytes32 a, bytes32 b) internal pure returns (bytes32) {
        return sha256(a < b ? abi.encode(a, b) : abi.encode(b, a));
    }
}
