//! The functions of CloudFormation that need only their arguments:
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html>.

use std::net::Ipv4Addr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::MAX_TEXT;
use super::Value;

/// Carries a function out, if its arguments are known.
pub(super) fn carry_out(function: &str, argument: &Value, region: &str) -> Option<Value> {
    match (function, argument.items()) {
        ("Base64", []) => Some(Value::Text(STANDARD.encode(argument.text()?))),
        ("Cidr", [block, count, bits]) => cidr(block.text()?, count.text()?, bits.text()?),
        ("GetAZs", []) => Some(zones(argument.text()?, region)),
        ("Join", [by, Value::List(parts)]) => {
            let parts: Option<Vec<_>> = parts.iter().map(Value::text).collect();
            let text = parts?.join(by.text()?);
            (text.len() <= MAX_TEXT).then_some(Value::Text(text))
        }
        ("Length", items) if matches!(argument, Value::List(_)) => {
            Some(Value::Literal(items.len().to_string()))
        }
        ("Select", [index, Value::List(items)]) => {
            items.get(index.text()?.parse::<usize>().ok()?).cloned()
        }
        ("Split", [by, text]) => {
            let parts = text.text()?.split(by.text()?);
            let parts = parts.map(|part| Value::Text(part.to_owned()));
            Some(Value::List(parts.collect()))
        }
        ("ToJsonString", _) => {
            let mut text = String::new();
            write_json(argument, &mut text)?;
            Some(Value::Text(text))
        }
        _ => None,
    }
}

/// Returns three zones of a region. The empty text stands for the region of the stack.
fn zones(of: &str, region: &str) -> Value {
    let region = if of.is_empty() { region } else { of };
    let zones = ["a", "b", "c"].map(|zone| Value::Text(format!("{region}{zone}")));
    Value::List(zones.to_vec())
}

/// Divides a block of IPv4 addresses:
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-cidr.html>.
fn cidr(block: &str, count: &str, bits: &str) -> Option<Value> {
    let (address, prefix) = block.split_once('/')?;
    let address: Ipv4Addr = address.parse().ok()?;
    let prefix: u32 = prefix.parse().ok().filter(|prefix| *prefix <= 32)?;
    let count: u64 = count
        .parse()
        .ok()
        .filter(|count| (1..=256).contains(count))?;
    let bits: u32 = bits.parse().ok().filter(|bits| *bits <= 32)?;
    let size = 1_u64 << bits;
    let whole = 1_u64 << (32 - prefix);
    let first = u64::from(u32::from(address)) / whole * whole;
    if count * size > whole {
        return None;
    }
    let blocks = (0..count).map(|index| {
        let address = u32::try_from(first + index * size).ok()?;
        let address = Ipv4Addr::from(address);
        Some(Value::Text(format!("{address}/{}", 32 - bits)))
    });
    blocks.collect::<Option<Vec<_>>>().map(Value::List)
}

/// Writes a value as JSON with its keys in the order of the template, unless a part is not known.
fn write_json(value: &Value, text: &mut String) -> Option<()> {
    match value {
        Value::Null | Value::Text(_) | Value::Literal(_) => {
            text.push_str(&value.to_json().to_string());
        }
        Value::List(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index > 0 { "," } else { "" });
                write_json(item, text)?;
            }
            text.push(']');
        }
        Value::Map(entries) => {
            text.push('{');
            for (index, (name, value)) in entries.iter().enumerate() {
                text.push_str(if index > 0 { "," } else { "" });
                text.push_str(&Value::Text(name.clone()).to_json().to_string());
                text.push(':');
                write_json(value, text)?;
            }
            text.push('}');
        }
        Value::Intrinsic(..) => return None,
    }
    (text.len() <= MAX_TEXT).then_some(())
}
