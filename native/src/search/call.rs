//! Calls as the search thinks of them: a function and its arguments, and how it is called.

use super::plan::{Function, Plan, Step};
use alloy_dyn_abi::{DynSolType, DynSolValue};
use revm::primitives::{Address, Bytes, U256, hex};

/// `act(address,bytes)` of the puppet.
const ACT: [u8; 4] = hex!("c476137b");
/// `arm(address,bytes,uint256)` of the puppet.
const ARM: [u8; 4] = hex!("88cf3367");

/// A call that can be changed and sent.
#[derive(Clone, Debug)]
pub struct Call {
    /// Which of the plan's functions.
    pub function: usize,
    /// Its arguments.
    pub arguments: Vec<DynSolValue>,
    /// Which account sends it.
    pub sender: usize,
    /// Wei.
    pub value: U256,
    /// Seconds since the step before.
    pub wait: u64,
    /// Who makes it.
    pub way: Way,
}

/// How a function is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By the sender.
    Direct,
    /// By the puppet, at once.
    Act,
    /// By the puppet, when it is called back, so often at most.
    Arm(u8),
}

impl Call {
    /// As it is sent; none if the plan has no such function.
    pub fn step(&self, plan: &Plan) -> Option<Step> {
        let function = plan.functions.get(self.function)?;
        let mut data = function.selector.to_vec();
        if !self.arguments.is_empty() {
            data.extend(encoded(&self.arguments));
        }
        let (to, data) = match (self.way, plan.puppet) {
            (Way::Act, Some((puppet, _))) => (puppet, wrap(ACT, function.contract, data, None)),
            (Way::Arm(times), Some((puppet, _))) => (puppet, wrap(ARM, function.contract, data, Some(times))),
            _ => (function.contract, data),
        };
        let sender = *plan.accounts.get(self.sender)?;
        Some(Step { sender, to, data: data.into(), value: self.value, wait: self.wait })
    }

    /// What a step calls; none if the plan has no such sender or function.
    pub fn read(plan: &Plan, step: &Step) -> Option<Self> {
        let sender = plan.accounts.iter().position(|account| *account == step.sender)?;
        let (to, data, way) = unwrap(plan, step).unwrap_or((step.to, step.data.clone(), Way::Direct));
        let called = |function: &Function| {
            let selector = &function.selector;
            function.contract == to && data.starts_with(selector) && (!selector.is_empty() || data.is_empty())
        };
        let (place, function) = plan.functions.iter().enumerate().find(|(_, function)| called(function))?;
        let arguments = arguments(&function.inputs, data.get(function.selector.len()..)?)?;
        Some(Self { function: place, arguments, sender, value: step.value, wait: step.wait, way })
    }
}

fn arguments(kinds: &[DynSolType], body: &[u8]) -> Option<Vec<DynSolValue>> {
    if kinds.is_empty() {
        return Some(Vec::new());
    }
    match DynSolType::Tuple(kinds.to_vec()).abi_decode_params(body) {
        Ok(DynSolValue::Tuple(arguments)) => Some(arguments),
        _ => None,
    }
}

fn encoded(arguments: &[DynSolValue]) -> Vec<u8> {
    DynSolValue::Tuple(arguments.to_vec()).abi_encode_params()
}

fn wrap(selector: [u8; 4], target: Address, data: Vec<u8>, times: Option<u8>) -> Vec<u8> {
    let mut arguments = vec![DynSolValue::Address(target), DynSolValue::Bytes(data)];
    arguments.extend(times.map(|times| DynSolValue::Uint(U256::from(times), 256)));
    [selector.as_slice(), &encoded(&arguments)].concat()
}

/// Whom the puppet calls with what, if a step goes through it.
fn unwrap(plan: &Plan, step: &Step) -> Option<(Address, Bytes, Way)> {
    plan.puppet.filter(|(puppet, _)| *puppet == step.to)?;
    let (selector, body) = step.data.split_at_checked(4)?;
    let kinds = [DynSolType::Address, DynSolType::Bytes, DynSolType::Uint(256)];
    let (kinds, times) = if selector == ARM { (kinds.as_slice(), true) } else { (kinds.get(..2)?, false) };
    match arguments(kinds, body).filter(|_| times || selector == ACT)?.as_slice() {
        [DynSolValue::Address(target), DynSolValue::Bytes(data), times @ ..] => {
            let way = times.first().and_then(DynSolValue::as_uint).map_or(Way::Act, |(times, _)| {
                Way::Arm(u8::try_from(times).unwrap_or(u8::MAX)) // the puppet takes more, the search never tries it
            });
            Some((*target, Bytes::copy_from_slice(data), way))
        }
        _ => None,
    }
}
