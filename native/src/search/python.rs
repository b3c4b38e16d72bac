//! A plan from Python's values, and a harvest as Python's values.

use super::harvest::{Failure, Harvest};
use super::plan::{Clock, Function, Plan, Property, Step};
use crate::convert::{address, addresses, bytes, integer, named, tuple, u256};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};
use revm::primitives::{B256, Bytes};

/// A plan from a dict: see `_Plan` in `slashpoint_revm.pyi`.
pub fn plan(given: &Bound<'_, PyDict>) -> PyResult<Plan> {
    let field =
        |name: &str| given.get_item(name)?.ok_or_else(|| PyValueError::new_err(format!("the plan has no {name}")));
    let puppet = field("puppet")?;
    let puppet = if puppet.is_none() {
        None
    } else {
        let pair = tuple(&puppet, 2)?;
        Some((address(&pair.get_item(0)?)?, pair.get_item(1)?.extract()?))
    };
    Ok(Plan {
        clock: Clock { now: field("now")?.extract()?, number: field("number")?.extract()? },
        gas: field("gas")?.extract()?,
        block_gas: field("block_gas")?.extract()?,
        calls: field("calls")?.extract()?,
        seed: field("seed")?.extract()?,
        length: field("length")?.extract()?,
        accounts: addresses(&field("accounts")?)?,
        puppet,
        functions: each(&field("functions")?, function).map_err(named("functions"))?,
        contracts: addresses(&field("contracts")?)?,
        tokens: addresses(&field("tokens")?)?,
        properties: each(&field("properties")?, property).map_err(named("properties"))?,
        alarms: each(&field("alarms")?, |topic| {
            B256::try_from(bytes(topic)?).map_err(|_| PyValueError::new_err("a topic is 32 bytes"))
        })?,
        words: each(&field("words")?, u256).map_err(named("words"))?,
        corpus: each(&field("corpus")?, |sequence| each(sequence, step)).map_err(named("corpus"))?,
    })
}

fn each<'py, T>(items: &Bound<'py, PyAny>, read: impl Fn(&Bound<'py, PyAny>) -> PyResult<T>) -> PyResult<Vec<T>> {
    items.try_iter()?.map(|item| read(&item?)).collect()
}

fn data(value: &Bound<'_, PyAny>) -> PyResult<Bytes> {
    Ok(Bytes::copy_from_slice(bytes(value)?))
}

/// `(contract, signature, selector, payable, view)`.
fn function(item: &Bound<'_, PyAny>) -> PyResult<Function> {
    let fields = tuple(item, 5)?;
    let signature: String = fields.get_item(1)?.extract()?;
    let (contract, selector) = (address(&fields.get_item(0)?)?, data(&fields.get_item(2)?)?);
    let (payable, view) = (fields.get_item(3)?.extract()?, fields.get_item(4)?.extract()?);
    let function = Function::new(contract, &signature, selector, payable, view);
    function.ok_or_else(|| PyValueError::new_err(format!("{signature} is no signature")))
}

/// `(to, data, boolean)`.
fn property(item: &Bound<'_, PyAny>) -> PyResult<Property> {
    let fields = tuple(item, 3)?;
    let (to, data) = (address(&fields.get_item(0)?)?, data(&fields.get_item(1)?)?);
    Ok(Property { to, data, boolean: fields.get_item(2)?.extract()? })
}

/// `(sender, to, data, value, wait)`.
fn step(item: &Bound<'_, PyAny>) -> PyResult<Step> {
    let fields = tuple(item, 5)?;
    let (sender, to) = (address(&fields.get_item(0)?)?, address(&fields.get_item(1)?)?);
    let (data, value) = (data(&fields.get_item(2)?)?, u256(&fields.get_item(3)?)?);
    Ok(Step { sender, to, data, value, wait: fields.get_item(4)?.extract()? })
}

/// A harvest as a dict: see `_Harvest` in `slashpoint_revm.pyi`.
pub fn harvest<'py>(py: Python<'py>, harvest: &Harvest) -> PyResult<Bound<'py, PyDict>> {
    let told = PyDict::new(py);
    told.set_item("calls", harvest.calls)?;
    told.set_item("edges", harvest.edges)?;
    let suspects = harvest
        .suspects
        .iter()
        .map(|suspect| (failure(py, &suspect.failure)?, steps(py, &suspect.steps)?).into_pyobject(py));
    told.set_item("suspects", PyList::new(py, suspects.collect::<PyResult<Vec<_>>>()?)?)?;
    let interesting = harvest.interesting.iter().map(|sequence| steps(py, sequence));
    told.set_item("interesting", PyList::new(py, interesting.collect::<PyResult<Vec<_>>>()?)?)?;
    let usage: Vec<_> = harvest.usage.iter().map(|usage| (usage.calls, usage.succeeded, usage.gas)).collect();
    told.set_item("usage", usage)?;
    let reverts = harvest.reverts.iter().map(|((function, data), count)| (*function, PyBytes::new(py, data), *count));
    told.set_item("reverts", reverts.collect::<Vec<_>>())?;
    let gains = harvest.gains.iter().map(|((account, asset), gain)| {
        (*account, *asset, integer(py, gain.amount)?, steps(py, &gain.steps)?).into_pyobject(py)
    });
    told.set_item("gains", PyList::new(py, gains.collect::<PyResult<Vec<_>>>()?)?)?;
    Ok(told)
}

fn steps<'py>(py: Python<'py>, steps: &[Step]) -> PyResult<Bound<'py, PyList>> {
    let fields = |step: &Step| {
        let (sender, to) = (PyBytes::new(py, step.sender.as_slice()), PyBytes::new(py, step.to.as_slice()));
        (sender, to, PyBytes::new(py, &step.data), integer(py, step.value)?, step.wait).into_pyobject(py)
    };
    PyList::new(py, steps.iter().map(fields).collect::<PyResult<Vec<_>>>()?)
}

/// `("property", place)`, `("assertion", contract, place, function)` or `("alarm", contract, message, function)`.
fn failure<'py>(py: Python<'py>, failure: &Failure) -> PyResult<Bound<'py, PyTuple>> {
    match failure {
        Failure::Property(place) => ("property", *place).into_pyobject(py),
        Failure::Assertion { contract, place, function } => {
            ("assertion", PyBytes::new(py, contract.as_slice()), *place, *function).into_pyobject(py)
        }
        Failure::Alarm { contract, message, function } => {
            ("alarm", PyBytes::new(py, contract.as_slice()), PyBytes::new(py, message), *function).into_pyobject(py)
        }
    }
}
