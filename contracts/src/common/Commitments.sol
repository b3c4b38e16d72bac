// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Commitments: SHA-256 commitments to labels, predictions and models
/// @notice Salted, a seal tells nothing to whoever guesses at what is in it, and a trainer's binds its address, so that a
/// copied commitment opens for nobody else. Unsalted, it is the bare hash of a hash.
library Commitments {
    function ofTruth(bytes calldata labels, bytes32 salt, bool salted) internal pure returns (bytes32) {
        bytes32 payload = sha256(labels);
        return sha256(salted ? abi.encode(payload, salt) : abi.encode(payload));
    }

    function ofWork(bytes32 payload, bytes32 salt, address trainer, bool salted) internal pure returns (bytes32) {
        return sha256(salted ? abi.encode(payload, salt, trainer) : abi.encode(payload));
    }

    /// @dev How many bytes of two strings of one length are the same, place by place, 32 at a time. A byte of the
    /// difference is 0 where neither it nor the sum of 0x7f and its lower seven bits has the top bit.
    function alike(bytes calldata a, bytes calldata b) internal pure returns (uint256 same) {
        uint256 ones = type(uint256).max / 0xff; // 0x0101…
        for (uint256 at; at < a.length; at += 32) {
            uint256 rest = a.length - at;
            uint256 apart = uint256(bytes32(a[at:]) ^ bytes32(b[at:])); // past the end, zeros
            uint256 zero = ~(((apart & (ones * 0x7f)) + ones * 0x7f) | apart) & (ones << 7);
            unchecked {
                same += ((zero >> 7) * ones) >> 248; // the top byte of the product is the sum of all
            }
            if (rest < 32) same -= 32 - rest;
        }
    }

    /// @dev How many bytes agree, place by place.
    function agreement(bytes calldata predictions, bytes memory labels) internal pure returns (uint256 correct) {
        uint256 shorter = predictions.length < labels.length ? predictions.length : labels.length;
        for (uint256 i; i < shorter; i++) {
            if (predictions[i] == labels[i]) correct++;
        }
    }
}
