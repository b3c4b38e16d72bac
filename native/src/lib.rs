//! Whole blocks of Ethereum transactions over [`revm`], for Python.
//!
//! The state is layered and copied on write, so that a snapshot costs under a microsecond. A block is an ordered batch:
//! each transaction is final before the next begins, and every movement of wei is recorded at any call depth.
//! Python keeps the mempool, the clock, the base fee and the agents; nothing here knows of them.

pub mod block;
pub mod reason;
pub mod search;
pub mod state;
pub mod transfers;

#[cfg(feature = "python")]
mod abi;
#[cfg(feature = "python")]
mod convert;
#[cfg(feature = "python")]
mod python;
