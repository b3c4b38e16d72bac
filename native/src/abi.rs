//! Contract ABIs on the batch path: calls by name to bytes, logs to values or to columns.
//!
//! Addresses are 20 bytes, arrays and structs tuples, as the Python side of slashpoint has them. An indexed value of a
//! dynamic type is its hash.

use crate::convert::{self, address, bytes, from_bytes, integer, named, tuple, u256};
use alloy_dyn_abi::{DynSolEvent, DynSolType, DynSolValue, Specifier};
use alloy_json_abi::{JsonAbi, Param};
use pyo3::exceptions::{PyKeyError, PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyString, PyTuple};
use revm::primitives::{Address, B256, FixedBytes, I256, Log, U256, b256};
use std::collections::HashMap;
use std::fmt::Display;
use std::sync::Arc;

/// Which ABI is at which address.
pub type Registry = HashMap<Address, Arc<Interface>>;

/// Nobody nests arrays deeper than this many characters tell; it bounds recursion.
const LONGEST_TYPE: usize = 256;

/// `Transfer(address,address,uint256)` (ERC-20).
const ERC20_TRANSFER: B256 = b256!("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");

/// A contract's functions by name and by signature, and its events by topic.
#[derive(Debug)]
pub struct Interface {
    functions: HashMap<String, Function>,
    events: HashMap<B256, Event>,
}

#[derive(Clone, Debug)]
struct Function {
    selector: [u8; 4],
    inputs: Vec<(String, DynSolType)>,
}

/// An event, and which of its parameters are indexed.
#[derive(Debug)]
pub struct Event {
    /// Its name; its signature where it is overloaded.
    pub name: String,
    kinds: DynSolEvent,
    indexed: Vec<bool>,
}

/// Values of one parameter, one after the other.
enum Column {
    Addresses(Vec<u8>), // 20 bytes each
    Words(Vec<u8>),     // 32 bytes each, big-endian
    Objects(Vec<Py<PyAny>>),
}

impl Interface {
    /// Calldata of a function, by its name, or by its signature where it is overloaded.
    pub fn encode(&self, function: &str, values: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
        let Function { selector, inputs } = self.function(function)?;
        let values = tuple(values, inputs.len()).map_err(named(function))?;
        let value = |(value, (name, kind)): (Bound<'_, PyAny>, &(String, DynSolType))| {
            to_sol(kind, &value).map_err(named(name)).map_err(named(function))
        };
        let values = values.iter().zip(inputs).map(value).collect::<PyResult<_>>()?;
        Ok([selector.as_slice(), &DynSolValue::Tuple(values).abi_encode_params()].concat())
    }

    fn function(&self, name: &str) -> PyResult<&Function> {
        self.functions.get(name).ok_or_else(|| PyKeyError::new_err(format!("the ABI has no function {name:?}")))
    }

    /// The event that a log is of and its values in the ABI's order, if the ABI has it.
    pub fn decode(&self, log: &Log) -> Option<(&Event, Vec<DynSolValue>)> {
        let event = self.events.get(log.data.topics().first()?)?;
        let decoded = event.kinds.decode_log_data(&log.data).ok()?;
        let (mut indexed, mut body) = (decoded.indexed.into_iter(), decoded.body.into_iter());
        let values = event.indexed.iter().map(|is| if *is { indexed.next() } else { body.next() });
        Some((event, values.collect::<Option<_>>()?))
    }
}

/// A contract's ABI.
#[pyclass(frozen, module = "slashpoint_revm")]
pub struct Abi(pub Arc<Interface>);

#[pymethods]
impl Abi {
    /// From its JSON.
    #[new]
    fn new(json: &str) -> PyResult<Self> {
        let abi = JsonAbi::from_json_str(json).map_err(invalid)?;
        let mut functions: HashMap<String, Function> = HashMap::new();
        for function in abi.functions() {
            let inputs = function.inputs.iter().map(|input| Ok((input.name.clone(), kind(input)?)));
            let entry = Function { selector: function.selector().0, inputs: inputs.collect::<PyResult<_>>()? };
            functions.entry(function.name.clone()).or_insert_with(|| entry.clone());
            functions.insert(function.signature(), entry);
        }
        let mut events = HashMap::new();
        for event in abi.events().filter(|event| !event.anonymous) {
            let indexed = event.inputs.iter().map(|input| input.indexed).collect();
            let overloaded = abi.event(&event.name).is_some_and(|events| events.len() > 1);
            let name = if overloaded { event.signature() } else { event.name.clone() };
            let entry = Event { name, kinds: event.resolve().map_err(invalid)?, indexed };
            events.insert(event.selector(), entry);
        }
        Ok(Self(Arc::new(Interface { functions, events })))
    }

    /// Calldata of a function, by its name, or by its signature where it is overloaded.
    fn encode<'py>(&self, py: Python<'py>, function: &str, values: &Bound<'_, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.0.encode(function, values)?))
    }

    /// Calldata of many calls of one function, one after the other; each column has 20 bytes a call for an address, and
    /// 32 for any other word.
    fn encode_columns<'py>(
        &self,
        py: Python<'py>,
        function: &str,
        columns: &Bound<'_, PyAny>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let Function { selector, inputs } = self.0.function(function)?;
        let columns = tuple(columns, inputs.len()).map_err(named(function))?;
        let mut parts = Vec::with_capacity(inputs.len());
        for (column, (name, kind)) in columns.iter().zip(inputs) {
            let width = if matches!(kind, DynSolType::Address) { 20 } else { 32 };
            if kind.minimum_words() != 1 || kind.is_dynamic() {
                return Err(PyTypeError::new_err(format!("{function}: {name}: a {kind} is no single word")));
            }
            parts.push((convert::column::<u8>(py, &column).map_err(named(name))?, width));
        }
        let count = parts.first().map_or(0, |(column, width)| column.len() / width);
        if parts.iter().any(|(column, width)| column.len() != count * width) {
            return Err(PyValueError::new_err(format!("{function}: the columns are not of one length")));
        }
        let mut data = Vec::with_capacity(count * (4 + 32 * parts.len()));
        let mut rows: Vec<_> = parts.iter().map(|(column, width)| column.chunks_exact(*width)).collect();
        for _ in 0..count {
            data.extend_from_slice(selector);
            for word in rows.iter_mut().filter_map(Iterator::next) {
                data.resize(data.len() + 32 - word.len(), 0);
                data.extend_from_slice(word);
            }
        }
        Ok(PyBytes::new(py, &data))
    }
}

/// Log and column bytes of one event of one contract: `(address, name, tx, log, columns)`.
#[derive(Default)]
pub struct Group {
    tx: Vec<u8>,
    log: Vec<u8>,
    columns: Vec<Column>,
}

impl Group {
    /// Append one event.
    pub fn push(&mut self, py: Python<'_>, tx: u32, log: u32, values: &[DynSolValue]) -> PyResult<()> {
        self.tx.extend_from_slice(&tx.to_ne_bytes());
        self.log.extend_from_slice(&log.to_ne_bytes());
        if self.columns.is_empty() {
            self.columns = values.iter().map(Column::for_values_like).collect();
        }
        self.columns.iter_mut().zip(values).try_for_each(|(column, value)| column.push(py, value))
    }

    /// `(tx, log, columns)`.
    pub fn finish(self, py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
        let columns = self.columns.into_iter().map(|column| column.finish(py)).collect::<PyResult<Vec<_>>>()?;
        (PyBytes::new(py, &self.tx), PyBytes::new(py, &self.log), PyTuple::new(py, columns)?).into_pyobject(py)
    }
}

impl Column {
    fn for_values_like(value: &DynSolValue) -> Self {
        match value {
            DynSolValue::Address(_) => Self::Addresses(Vec::new()),
            other if other.is_word() => Self::Words(Vec::new()),
            _ => Self::Objects(Vec::new()),
        }
    }

    fn push(&mut self, py: Python<'_>, value: &DynSolValue) -> PyResult<()> {
        match self {
            Self::Addresses(column) => column.extend_from_slice(value.as_address().unwrap_or_default().as_slice()),
            Self::Words(column) => column.extend_from_slice(value.as_word().unwrap_or_default().as_slice()),
            Self::Objects(column) => column.push(to_py(py, value)?.unbind()),
        }
        Ok(())
    }

    fn finish(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        match self {
            Self::Addresses(column) | Self::Words(column) => Ok(PyBytes::new(py, &column).into_any()),
            Self::Objects(column) => Ok(PyTuple::new(py, column)?.into_any()),
        }
    }
}

/// Sender, receiver and amount of an ERC-20 transfer, if the log is one.
pub fn erc20_transfer(log: &Log) -> Option<(&[u8], &[u8], U256)> {
    let [ERC20_TRANSFER, sender, receiver] = log.data.topics() else { return None };
    let amount: &[u8; 32] = log.data.data.as_ref().try_into().ok()?;
    Some((sender.get(12..)?, receiver.get(12..)?, U256::from_be_bytes(*amount)))
}

fn kind(input: &Param) -> PyResult<DynSolType> {
    if input.ty.len() > LONGEST_TYPE {
        return Err(PyValueError::new_err(format!("{}: the type is too long", input.name)));
    }
    input.resolve().map_err(invalid)
}

fn invalid(error: impl Display) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// A Python value as one of a Solidity type.
fn to_sol(kind: &DynSolType, value: &Bound<'_, PyAny>) -> PyResult<DynSolValue> {
    let wrong = || PyOverflowError::new_err(format!("{value} is no {kind}"));
    let all = |kinds: &mut dyn Iterator<Item = &DynSolType>, count: Option<usize>| {
        let items = value.try_iter()?.collect::<PyResult<Vec<_>>>()?;
        if count.is_some_and(|count| count != items.len()) {
            return Err(PyValueError::new_err(format!("{} values are no {kind}", items.len())));
        }
        items.iter().zip(kinds).map(|(item, kind)| to_sol(kind, item)).collect::<PyResult<Vec<_>>>()
    };
    Ok(match kind {
        DynSolType::Bool => DynSolValue::Bool(value.cast::<PyBool>()?.is_true()),
        DynSolType::Address => DynSolValue::Address(address(value)?),
        DynSolType::Uint(bits) => {
            let number = u256(value)?;
            if number.bit_len() > *bits {
                return Err(wrong());
            }
            DynSolValue::Uint(number, *bits)
        }
        DynSolType::Int(bits) => {
            let number = match value.extract::<i64>() {
                Ok(small) => I256::try_from(small).map_err(invalid)?,
                Err(_) => I256::try_from_be_slice(&convert::to_bytes(value, true)?).ok_or_else(wrong)?,
            };
            let magnitude = if number.is_negative() { !number } else { number };
            if magnitude.into_raw().bit_len() >= *bits {
                return Err(wrong());
            }
            DynSolValue::Int(number, *bits)
        }
        DynSolType::FixedBytes(size) => {
            let raw = bytes(value)?;
            if raw.len() != *size {
                return Err(PyValueError::new_err(format!("{} bytes are no {kind}", raw.len())));
            }
            DynSolValue::FixedBytes(FixedBytes::right_padding_from(raw), *size)
        }
        DynSolType::Bytes => DynSolValue::Bytes(bytes(value)?.to_vec()),
        DynSolType::String => DynSolValue::String(value.extract()?),
        DynSolType::Array(of) => DynSolValue::Array(all(&mut std::iter::repeat(&**of), None)?),
        DynSolType::FixedArray(of, size) => DynSolValue::FixedArray(all(&mut std::iter::repeat(&**of), Some(*size))?),
        DynSolType::Tuple(kinds) => DynSolValue::Tuple(all(&mut kinds.iter(), Some(kinds.len()))?),
        DynSolType::Function => return Err(PyTypeError::new_err("function types are not supported")),
    })
}

/// A Solidity value as Python's.
pub fn to_py<'py>(py: Python<'py>, value: &DynSolValue) -> PyResult<Bound<'py, PyAny>> {
    let all = |values: &[DynSolValue]| {
        let values = values.iter().map(|value| to_py(py, value)).collect::<PyResult<Vec<_>>>()?;
        Ok(PyTuple::new(py, values)?.into_any())
    };
    match value {
        DynSolValue::Bool(flag) => Ok(PyBool::new(py, *flag).to_owned().into_any()),
        DynSolValue::Int(number, _) if number.is_negative() => {
            from_bytes(py, &number.into_raw().to_be_bytes::<32>(), true)
        }
        DynSolValue::Int(number, _) => integer(py, number.into_raw()),
        DynSolValue::Uint(number, _) => integer(py, *number),
        DynSolValue::FixedBytes(word, size) => Ok(PyBytes::new(py, word.get(..*size).unwrap_or_default()).into_any()),
        DynSolValue::Address(address) => Ok(PyBytes::new(py, address.as_slice()).into_any()),
        DynSolValue::Function(function) => Ok(PyBytes::new(py, function.as_slice()).into_any()),
        DynSolValue::Bytes(raw) => Ok(PyBytes::new(py, raw).into_any()),
        DynSolValue::String(text) => Ok(PyString::new(py, text).into_any()),
        DynSolValue::Array(values) | DynSolValue::FixedArray(values) | DynSolValue::Tuple(values) => all(values),
    }
}
