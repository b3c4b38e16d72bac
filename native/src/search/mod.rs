//! A search for sequences of calls that break contracts, steered by what the EVM does with them.
//!
//! It goes on from states that it has seen, in memory, and never executes a sequence again from its beginning: a state
//! is kept with the step that led to it and the state before, so that every sequence can be told in full.

mod call;
mod campaign;
mod frontier;
mod harvest;
mod machine;
mod mutation;
mod plan;
mod rng;
mod secrets;
mod steer;
mod values;
mod views;
mod watch;

#[cfg(feature = "python")]
pub mod python;

pub use campaign::run;
pub use harvest::{Failure, Gain, Harvest, Suspect, Usage};
pub use plan::{Function, Plan, Property, Step};
