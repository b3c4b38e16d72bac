//! Python values to Rust's and back; every refusal is a `TypeError`, `ValueError` or `OverflowError` that names the field.

use crate::abi::Registry;
use crate::block::{Surroundings, Transaction};
use pyo3::buffer::{Element, PyBuffer};
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyBytes, PyInt, PyString, PyTuple};
use revm::context::BlockEnv;
use revm::context::transaction::{AccessList, AccessListItem};
use revm::primitives::{Address, B256, Bytes, U256};

/// A transaction from `(sender, to, data, value, gas, max_fee, tip, nonce, access_list)`.
///
/// `data` may also be `(function, values)`: the ABI registered at `to` encodes it.
pub fn transaction(item: &Bound<'_, PyAny>, registry: &Registry) -> PyResult<Transaction> {
    let fields = tuple(item, 9)?;
    let field = |at: usize| fields.get_item(at);
    let to = field(1)?;
    let to = if to.is_none() { None } else { Some(address(&to).map_err(named("to"))?) };
    Ok(Transaction {
        sender: address(&field(0)?).map_err(named("sender"))?,
        to,
        data: calldata(&field(2)?, to, registry).map_err(named("data"))?,
        value: u256(&field(3)?).map_err(named("value"))?,
        gas: field(4)?.extract().map_err(named("gas"))?,
        max_fee: u128(&field(5)?).map_err(named("max_fee"))?,
        tip: u128(&field(6)?).map_err(named("tip"))?,
        nonce: field(7)?.extract().map_err(named("nonce"))?,
        access_list: access_list(&field(8)?).map_err(named("access_list"))?,
    })
}

/// A batch from an iterable of transactions.
pub fn transactions(batch: &Bound<'_, PyAny>, registry: &Registry) -> PyResult<Vec<Transaction>> {
    let convert = |(at, item): (usize, PyResult<Bound<'_, PyAny>>)| {
        transaction(&item?, registry).map_err(|error| named(&format!("transaction {at}"))(error))
    };
    batch.try_iter()?.enumerate().map(convert).collect()
}

fn calldata(value: &Bound<'_, PyAny>, to: Option<Address>, registry: &Registry) -> PyResult<Bytes> {
    let Ok(call) = value.cast::<PyTuple>() else { return Ok(Bytes::copy_from_slice(bytes(value)?)) };
    let call = tuple(call, 2)?;
    let abi = to.and_then(|address| registry.get(&address));
    let abi = abi.ok_or_else(|| PyValueError::new_err("no ABI is registered there"))?;
    Ok(abi.encode(call.get_item(0)?.cast::<PyString>()?.to_str()?, &call.get_item(1)?)?.into())
}

/// What the EVM may know of a block, from
/// `(number, timestamp, base_fee, gas_limit, coinbase, prevrandao, hashes)`.
pub fn block(context: &Bound<'_, PyAny>) -> PyResult<Surroundings> {
    let fields = tuple(context, 7)?;
    let field = |at: usize| fields.get_item(at);
    let block = BlockEnv {
        number: u256(&field(0)?).map_err(named("number"))?,
        timestamp: u256(&field(1)?).map_err(named("timestamp"))?,
        basefee: field(2)?.extract().map_err(named("base_fee"))?,
        gas_limit: field(3)?.extract().map_err(named("gas_limit"))?,
        beneficiary: address(&field(4)?).map_err(named("coinbase"))?,
        prevrandao: Some(word(&field(5)?).map_err(named("prevrandao"))?),
        ..BlockEnv::default()
    };
    Ok(Surroundings { block, hashes: Bytes::copy_from_slice(bytes(&field(6)?).map_err(named("hashes"))?) })
}

/// The values of any buffer of `T`: an array, or bytes.
pub fn column<T: Element>(py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<Vec<T>> {
    PyBuffer::<T>::get(value)?.to_vec(py)
}

/// A tuple of so many fields.
pub fn tuple<'a, 'py>(value: &'a Bound<'py, PyAny>, size: usize) -> PyResult<&'a Bound<'py, PyTuple>> {
    let fields = value.cast::<PyTuple>()?;
    if fields.len() != size {
        return Err(PyValueError::new_err(format!("has {} fields instead of {size}", fields.len())));
    }
    Ok(fields)
}

/// `((address, (slot, ...)), ...)`.
fn access_list(value: &Bound<'_, PyAny>) -> PyResult<AccessList> {
    let entry = |entry: PyResult<Bound<'_, PyAny>>| {
        let entry = entry?;
        let fields = tuple(&entry, 2)?;
        let slots = fields.get_item(1)?;
        let slots = slots.try_iter()?.map(|slot| Ok(B256::from(u256(&slot?)?))).collect::<PyResult<_>>()?;
        Ok(AccessListItem { address: address(&fields.get_item(0)?)?, storage_keys: slots })
    };
    value.try_iter()?.map(entry).collect::<PyResult<Vec<_>>>().map(AccessList)
}

/// A 256-bit word from 32 bytes.
fn word(value: &Bound<'_, PyAny>) -> PyResult<B256> {
    let raw = bytes(value)?;
    B256::try_from(raw).map_err(|_| PyValueError::new_err(format!("a word is 32 bytes, not {}", raw.len())))
}

fn u128(value: &Bound<'_, PyAny>) -> PyResult<u128> {
    let number = u256(value)?;
    u128::try_from(number).map_err(|_| PyOverflowError::new_err(format!("{number} does not fit 128 bits")))
}

/// An address from 20 bytes.
pub fn address(value: &Bound<'_, PyAny>) -> PyResult<Address> {
    let raw = bytes(value)?;
    Address::try_from(raw).map_err(|_| PyValueError::new_err(format!("an address is 20 bytes, not {}", raw.len())))
}

/// Addresses from an iterable of them.
pub fn addresses(value: &Bound<'_, PyAny>) -> PyResult<Vec<Address>> {
    value.try_iter()?.map(|item| address(&item?)).collect()
}

/// A number of at most 256 bits.
pub fn u256(value: &Bound<'_, PyAny>) -> PyResult<U256> {
    match value.extract::<u64>() {
        Ok(small) => Ok(U256::from(small)),
        Err(_) if value.is_instance_of::<PyInt>() => Ok(U256::from_be_bytes(to_bytes(value, false)?)),
        Err(error) => Err(error),
    }
}

/// Pairs of numbers from an iterable of them.
pub fn words(value: &Bound<'_, PyAny>) -> PyResult<Vec<(U256, U256)>> {
    let pair = |pair: PyResult<Bound<'_, PyAny>>| {
        let pair = pair?;
        let fields = tuple(&pair, 2)?;
        Ok((u256(&fields.get_item(0)?)?, u256(&fields.get_item(1)?)?))
    };
    value.try_iter()?.map(pair).collect()
}

/// 32 big-endian bytes of a Python integer.
pub fn to_bytes(value: &Bound<'_, PyAny>, signed: bool) -> PyResult<[u8; 32]> {
    let py = value.py();
    let signed = [(intern!(py, "signed"), signed)].into_py_dict(py)?;
    value.call_method(intern!(py, "to_bytes"), (32, intern!(py, "big")), Some(&signed))?.extract()
}

/// A Python integer.
pub fn integer(py: Python<'_>, value: U256) -> PyResult<Bound<'_, PyAny>> {
    match u64::try_from(value) {
        Ok(small) => Ok(small.into_pyobject(py)?.into_any()),
        Err(_) => from_bytes(py, &value.to_be_bytes::<32>(), false),
    }
}

/// A Python integer from big-endian bytes.
pub fn from_bytes<'py>(py: Python<'py>, raw: &[u8], signed: bool) -> PyResult<Bound<'py, PyAny>> {
    let arguments = (PyBytes::new(py, raw), intern!(py, "big"));
    let (int, from_bytes) = (py.get_type::<PyInt>(), intern!(py, "from_bytes"));
    if !signed {
        return int.call_method1(from_bytes, arguments);
    }
    let signed = [(intern!(py, "signed"), signed)].into_py_dict(py)?;
    int.call_method(from_bytes, arguments, Some(&signed))
}

/// The bytes of a `bytes`.
pub fn bytes<'a>(value: &'a Bound<'_, PyAny>) -> PyResult<&'a [u8]> {
    Ok(value.cast::<PyBytes>()?.as_bytes())
}

/// Put the name of a place before an error's message.
pub fn named(place: &str) -> impl FnOnce(PyErr) -> PyErr + use<'_> {
    move |error| {
        Python::attach(|py| {
            let plain = [py.get_type::<PyTypeError>(), py.get_type::<PyValueError>(), py.get_type::<PyOverflowError>()];
            let kind = error.get_type(py);
            if plain.iter().any(|known| kind.is(known)) {
                PyErr::from_type(kind, format!("{place}: {}", error.value(py)))
            } else {
                error
            }
        })
    }
}

/// A batch from columns `(sender, to, data, ends, value, gas, max_fee, tip, nonce)`.
///
/// Addresses are 20 bytes each and values 32, big-endian; `ends` says where each one's data end; the last five columns
/// but value, and `ends`, are arrays of u64.
pub fn columns(columns: &Bound<'_, PyAny>) -> PyResult<Vec<Transaction>> {
    let py = columns.py();
    let fields = tuple(columns, 9)?;
    let raw = |at: usize, name| fields.get_item(at).and_then(|it| column::<u8>(py, &it)).map_err(named(name));
    let gas = column::<u64>(py, &fields.get_item(5)?).map_err(named("gas"))?;
    let numbers = |at: usize, name| {
        let numbers = fields.get_item(at).and_then(|it| column::<u64>(py, &it)).map_err(named(name))?;
        sized(numbers, gas.len(), name)
    };
    let rows = |at: usize, width: usize, name| sized(raw(at, name)?, gas.len() * width, name);
    let (sender, to, value) = (rows(0, 20, "sender")?, rows(1, 20, "to")?, rows(4, 32, "value")?);
    let data = Bytes::from(raw(2, "data")?);
    let ends = numbers(3, "ends")?;
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let pieces = starts.zip(&ends).map(|(start, end)| {
        let (start, end) = (usize::try_from(start).ok()?, usize::try_from(*end).ok()?);
        (start <= end && end <= data.len()).then(|| data.slice(start..end))
    });
    let outside = || PyValueError::new_err("ends: they must not fall, nor pass the end of the data");
    let pieces = pieces.collect::<Option<Vec<_>>>().ok_or_else(outside)?;
    let fees = numbers(6, "max_fee")?.into_iter().zip(numbers(7, "tip")?).zip(numbers(8, "nonce")?);
    let addresses = sender.chunks_exact(20).zip(to.chunks_exact(20));
    let rest = value.chunks_exact(32).zip(gas).zip(fees).zip(pieces);
    let batch =
        addresses.zip(rest).map(|((sender, to), (((value, gas), ((max_fee, tip), nonce)), data))| Transaction {
            sender: Address::from_slice(sender),
            to: Some(Address::from_slice(to)),
            data,
            value: U256::from_be_slice(value),
            gas,
            max_fee: max_fee.into(),
            tip: tip.into(),
            nonce,
            access_list: AccessList::default(),
        });
    Ok(batch.collect())
}

fn sized<T>(column: Vec<T>, size: usize, name: &str) -> PyResult<Vec<T>> {
    if column.len() == size {
        return Ok(column);
    }
    Err(PyValueError::new_err(format!("{name}: has {} entries, {size} are needed", column.len())))
}
