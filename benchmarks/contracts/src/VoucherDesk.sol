// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// @title VoucherDesk
/// @notice The issuer signs vouchers off the chain; anybody may bring one here, and the person it names is paid out of
/// what sponsors put in. Sponsors may take back what has not been spent.
contract VoucherDesk {
    address public immutable issuer;

    mapping(address => uint256) public sharesOf;
    uint256 public totalShares;

    event Sponsored(address indexed sponsor, uint256 amount, uint256 shares);
    event Left(address indexed sponsor, uint256 amount);
    event VoucherIssued(address indexed to, uint256 amount, bytes signature);
    event VoucherPaid(address indexed to, uint256 amount);

    error BadSignature();
    error NotTheIssuer(address signer);
    error DeskIsShort(uint256 holds, uint256 wanted);
    error PaymentFailed();

    /// @param issuer_ who signs.
    /// @param to whom the first voucher names, which is published as it is signed.
    /// @param amount that it is for.
    /// @param signature its signature.
    constructor(address issuer_, address to, uint256 amount, bytes memory signature) payable {
        issuer = issuer_;
        if (_signer(to, amount, signature) != issuer_) revert NotTheIssuer(_signer(to, amount, signature));
        emit VoucherIssued(to, amount, signature);
    }

    function sponsor() external payable {
        uint256 before = address(this).balance - msg.value;
        uint256 shares = totalShares == 0 || before == 0 ? msg.value : (msg.value * totalShares) / before;
        totalShares += shares;
        sharesOf[msg.sender] += shares;
        emit Sponsored(msg.sender, msg.value, shares);
    }

    function leave() external {
        uint256 shares = sharesOf[msg.sender];
        if (shares == 0) return;
        uint256 amount = (address(this).balance * shares) / totalShares;
        totalShares -= shares;
        sharesOf[msg.sender] = 0;
        emit Left(msg.sender, amount);
        _pay(msg.sender, amount);
    }

    function redeem(address to, uint256 amount, bytes calldata signature) public virtual {
        address signer = _signer(to, amount, signature);
        if (signer != issuer) revert NotTheIssuer(signer);
        if (amount > address(this).balance) revert DeskIsShort(address(this).balance, amount);
        emit VoucherPaid(to, amount);
        _pay(to, amount);
    }

    function _signer(address to, uint256 amount, bytes memory signature) private pure returns (address) {
        if (signature.length != 65) revert BadSignature();
        bytes32 r;
        bytes32 s;
        uint8 v;
        assembly {
            r := mload(add(signature, 32))
            s := mload(add(signature, 64))
            v := byte(0, mload(add(signature, 96)))
        }
        bytes32 digest = keccak256(abi.encode(to, amount));
        return ecrecover(keccak256(abi.encodePacked("\x19Ethereum Signed Message:\n32", digest)), v, r, s);
    }

    function _pay(address to, uint256 amount) private {
        (bool ok,) = to.call{value: amount}("");
        if (!ok) revert PaymentFailed();
    }
}
