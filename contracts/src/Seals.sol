// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Seals: SHA-256 commitments to labels, predictions and models
/// @notice Salted, a seal tells nothing to whoever guesses at what is in it, and a trainer's binds its address, so that a
/// copied seal opens for nobody else. Unsalted, it is the bare hash of a hash.
library Seals {
    function ofTruth(bytes calldata labels, bytes32 salt, bool salted) internal pure returns (bytes32) {
        bytes32 payload = sha256(labels);
        return sha256(salted ? abi.encode(payload, salt) : abi.encode(payload));
    }

    function ofWork(bytes32 payload, bytes32 salt, address trainer, bool salted) internal pure returns (bytes32) {
        return sha256(salted ? abi.encode(payload, salt, trainer) : abi.encode(payload));
    }

    /// @dev How many bytes agree, place by place.
    function agreement(bytes calldata predictions, bytes memory labels) internal pure returns (uint256 correct) {
        uint256 shorter = predictions.length < labels.length ? predictions.length : labels.length;
        for (uint256 i; i < shorter; i++) {
            if (predictions[i] == labels[i]) correct++;
        }
    }
}
