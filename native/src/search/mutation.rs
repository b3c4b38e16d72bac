//! New calls: drawn afresh, or one that is known with something changed.

use super::call::{Call, Way};
use super::plan::Plan;
use super::rng::Rng;
use super::values::{Values, extended, fit};
use alloy_dyn_abi::{DynSolType, DynSolValue};
use revm::primitives::{I256, U256};

/// How often more a function is drawn than one that changes nothing.
const WEIGHT: usize = 20;

/// What calls are drawn from.
pub struct Drawer {
    urn: Vec<usize>, // functions' places, each as often as it weighs
}

impl Drawer {
    pub fn new(plan: &Plan) -> Self {
        let weigh = |(place, view): (usize, bool)| std::iter::repeat_n(place, if view { 1 } else { WEIGHT });
        let urn = plan.functions.iter().map(|function| function.view).enumerate().flat_map(weigh).collect();
        Self { urn }
    }

    /// A call of a function, if the plan has any.
    pub fn fresh(&self, plan: &Plan, values: &Values, rng: &mut Rng, wei: &[U256]) -> Option<Call> {
        let function = *rng.pick(&self.urn)?;
        let arguments = plan.functions.get(function)?.inputs.iter().map(|kind| values.value(rng, kind)).collect();
        let mut arguments: Vec<DynSolValue> = arguments;
        let mut sender = rng.below(plan.accounts.len());
        if let Some(secret) = values.secrets.pick(rng).filter(|_| rng.percent(20)) {
            let opens = rng.percent(50);
            for (argument, kind) in arguments.iter_mut().zip(&plan.functions.get(function)?.inputs) {
                if let Some(value) = secret.value(kind, opens) {
                    *argument = value;
                }
            }
            sender = plan.accounts.iter().position(|account| *account == secret.holder).unwrap_or(sender);
        }
        let way = Way::Direct;
        let mut call = Call { function, arguments, sender, value: U256::ZERO, wait: values.wait(rng), way };
        call.way = self::way(plan, rng, sender);
        call.value = self::wei(plan, values, rng, wei, &call);
        Some(call)
    }
}

/// A call like another one.
pub fn mutated(plan: &Plan, values: &Values, rng: &mut Rng, wei: &[U256], call: &Call) -> Call {
    let mut call = call.clone();
    let Some(function) = plan.functions.get(call.function) else { return call };
    for _ in 0..=rng.below(3) {
        match rng.below(12) {
            0 => {
                call.sender = rng.below(plan.accounts.len());
                call.way = way(plan, rng, call.sender);
            }
            1 => call.wait = values.wait(rng),
            2 | 3 if function.payable => call.value = self::wei(plan, values, rng, wei, &call),
            4 => call.way = way(plan, rng, call.sender),
            _ => {
                let place = rng.below(call.arguments.len());
                let like = rng.below(call.arguments.len());
                let like = call.arguments.get(like).cloned();
                if let (Some(argument), Some(kind)) = (call.arguments.get_mut(place), function.inputs.get(place)) {
                    change(values, rng, kind, argument, like);
                }
            }
        }
    }
    if matches!(call.way, Way::Arm(_)) {
        call.value = U256::ZERO;
    }
    call
}

fn way(plan: &Plan, rng: &mut Rng, sender: usize) -> Way {
    match plan.puppet {
        Some((_, attacker)) if attacker == sender => match rng.below(10) {
            0 => Way::Arm(u8::try_from(1 + rng.below(4)).unwrap_or(1)),
            1..5 => Way::Act,
            _ => Way::Direct,
        },
        _ => Way::Direct,
    }
}

fn wei(plan: &Plan, values: &Values, rng: &mut Rng, wei: &[U256], call: &Call) -> U256 {
    let payable = plan.functions.get(call.function).is_some_and(|function| function.payable);
    match call.way {
        Way::Direct | Way::Act if payable => values.wei(rng, wei.get(call.sender).copied().unwrap_or_default()),
        _ => U256::ZERO,
    }
}

/// Change a value a little, or draw another one; `like` is a value to take over if it is of the same kind.
fn change(values: &Values, rng: &mut Rng, kind: &DynSolType, value: &mut DynSolValue, like: Option<DynSolValue>) {
    let fresh = rng.percent(50);
    match (kind, &mut *value) {
        _ if fresh => *value = values.value(rng, kind),
        (DynSolType::Tuple(kinds), DynSolValue::Tuple(inner)) => {
            let place = rng.below(inner.len());
            if let (Some(inner), Some(kind)) = (inner.get_mut(place), kinds.get(place)) {
                change(values, rng, kind, inner, None);
            }
        }
        (
            DynSolType::Array(of) | DynSolType::FixedArray(of, _),
            DynSolValue::Array(inner) | DynSolValue::FixedArray(inner),
        ) if !inner.is_empty() => {
            let place = rng.below(inner.len());
            if let Some(inner) = inner.get_mut(place) {
                change(values, rng, of, inner, None);
            }
        }
        (DynSolType::Uint(bits), DynSolValue::Uint(number, _)) => {
            let other = like.as_ref().and_then(DynSolValue::as_uint).map(|(other, _)| other);
            *number = fit(nudged(rng, *number, other, *bits), *bits);
        }
        (DynSolType::Int(bits), DynSolValue::Int(number, _)) => {
            let other = like.as_ref().and_then(DynSolValue::as_int).map(|(other, _)| other.into_raw());
            *number = I256::from_raw(extended(nudged(rng, number.into_raw(), other, *bits), *bits));
        }
        _ => match like {
            Some(like) if kind.matches(&like) => *value = like,
            _ => *value = values.value(rng, kind),
        },
    }
}

fn nudged(rng: &mut Rng, number: U256, other: Option<U256>, bits: usize) -> U256 {
    match rng.below(8) {
        0 => number.wrapping_add(U256::ONE),
        1 => number.wrapping_sub(U256::ONE),
        2 => number << 1,
        3 => number >> 1,
        4 => number ^ (U256::ONE << rng.below(bits)),
        5 => number.wrapping_add(U256::from(rng.below(256))),
        _ => other.unwrap_or(number),
    }
}
