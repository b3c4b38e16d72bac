//! Why a transaction halted, was put off, or can never be: in our own words, whatever the EVM's library calls it.

use crate::block::Status;
use revm::context::result::{HaltReason, InvalidTransaction};
use std::fmt;

/// What a receipt says when its transaction neither succeeded nor reverted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It ran and failed, and all its gas is gone.
    Halted(Halt),
    /// It did not run, and may do so later.
    Deferred(String),
    /// It did not run, and never can as things stand.
    Invalid(String),
}

/// An exceptional halt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "their texts are below")]
pub enum Halt {
    OutOfGas,
    InvalidOpcode,
    InvalidJump,
    StackUnderflow,
    StackOverflow,
    ReturnDataBounds,
    StaticCall,
    Collision,
    Precompile,
    NonceOverflow,
    CodeSize,
    CodePrefix,
    InitcodeSize,
    Funds,
    Depth,
}

impl Reason {
    /// The status that goes with it.
    #[must_use]
    pub fn status(&self) -> Status {
        match self {
            Self::Halted(_) => Status::Halted,
            Self::Deferred(_) => Status::Deferred,
            Self::Invalid(_) => Status::Invalid,
        }
    }
}

impl From<HaltReason> for Halt {
    fn from(reason: HaltReason) -> Self {
        match reason {
            HaltReason::OutOfGas(_) => Self::OutOfGas,
            HaltReason::OpcodeNotFound | HaltReason::InvalidFEOpcode | HaltReason::NotActivated => Self::InvalidOpcode,
            HaltReason::InvalidJump => Self::InvalidJump,
            HaltReason::StackUnderflow => Self::StackUnderflow,
            HaltReason::StackOverflow => Self::StackOverflow,
            HaltReason::OutOfOffset => Self::ReturnDataBounds,
            HaltReason::StateChangeDuringStaticCall | HaltReason::CallNotAllowedInsideStatic => Self::StaticCall,
            HaltReason::CreateCollision => Self::Collision,
            HaltReason::PrecompileError | HaltReason::PrecompileErrorWithContext(_) => Self::Precompile,
            HaltReason::NonceOverflow => Self::NonceOverflow,
            HaltReason::CreateContractSizeLimit => Self::CodeSize,
            HaltReason::CreateContractStartingWithEF => Self::CodePrefix,
            HaltReason::CreateInitCodeSizeLimit => Self::InitcodeSize,
            HaltReason::OutOfFunds | HaltReason::OverflowPayment => Self::Funds,
            HaltReason::CallTooDeep => Self::Depth,
        }
    }
}

impl From<InvalidTransaction> for Reason {
    fn from(error: InvalidTransaction) -> Self {
        use InvalidTransaction as Is;
        Self::Invalid(match error {
            Is::NonceTooHigh { tx, state } => {
                return Self::Deferred(format!("nonce {tx} is ahead of the account's {state}"));
            }
            Is::NonceTooLow { tx, state } => format!("nonce {tx} is used, the account is at {state}"),
            Is::LackOfFundForMaxFee { fee, balance } => format!("may cost {fee} wei, the sender has {balance}"),
            Is::CallGasCostMoreThanGasLimit { initial_gas: needed, gas_limit: declared }
            | Is::GasFloorMoreThanGasLimit { gas_floor: needed, gas_limit: declared } => {
                format!("declares {declared} gas, needs {needed} before it runs")
            }
            Is::TxGasLimitGreaterThanCap { gas_limit, cap } => {
                format!("declares {gas_limit} gas, the fork allows {cap}")
            }
            Is::GasPriceLessThanBasefee => "max fee under the base fee".into(),
            Is::PriorityFeeGreaterThanMaxFee => "tip over max fee".into(),
            Is::RejectCallerWithCode => "the sender is a contract".into(),
            Is::CreateInitCodeSizeLimit => "initcode too long".into(),
            Is::NonceOverflowInTransaction => "the nonce cannot be raised".into(),
            Is::OverflowPaymentInTransaction => "value and fee overflow 256 bits".into(),
            other => other.to_string(),
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Halted(halt) => halt.fmt(f),
            Self::Deferred(why) | Self::Invalid(why) => f.write_str(why),
        }
    }
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfGas => "out of gas",
            Self::InvalidOpcode => "invalid opcode",
            Self::InvalidJump => "invalid jump",
            Self::StackUnderflow => "stack underflow",
            Self::StackOverflow => "stack overflow",
            Self::ReturnDataBounds => "return data out of bounds",
            Self::StaticCall => "state change in a static call",
            Self::Collision => "contract address collision",
            Self::Precompile => "precompiled contract failed",
            Self::NonceOverflow => "nonce overflow",
            Self::CodeSize => "code too long",
            Self::CodePrefix => "code begins with 0xEF",
            Self::InitcodeSize => "initcode too long",
            Self::Funds => "not enough wei",
            Self::Depth => "calls too deep",
        })
    }
}
