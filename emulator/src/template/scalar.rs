//! Plain scalars of YAML 1.1, and what SAM makes of them in a variable: SAM reads them with PyYAML's
//! resolver (<https://github.com/yaml/pyyaml/blob/main/lib/yaml/resolver.py>) and writes them with
//! Python's `str`, but for `true` and `false`.

use super::value::Value;

/// The value of a scalar without quotes.
pub(super) fn resolve(text: &str) -> Value {
    let text = match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => "true".to_owned(),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            "false".to_owned()
        }
        _ => match integer(text).or_else(|| float(text)) {
            Some(number) => number,
            None => return Value::Text(text.to_owned()),
        },
    };
    Value::Literal(text)
}

/// An integer in decimal, with as many digits as it has.
fn integer(text: &str) -> Option<String> {
    let (sign, digits) = split_sign(text);
    let all = |digits: &str, is: fn(&u8) -> bool| {
        !digits.is_empty() && digits.bytes().all(|byte| byte == b'_' || is(&byte))
    };
    let in_base = |digits: &str, base: u32| {
        let digits = digits.replace('_', "");
        u128::from_str_radix(&digits, base).ok()
    };
    let number = if let Some(digits) = digits.strip_prefix("0b")
        && all(digits, |byte| matches!(byte, b'0' | b'1'))
    {
        in_base(digits, 2)?.to_string()
    } else if let Some(digits) = digits.strip_prefix("0x")
        && all(digits, u8::is_ascii_hexdigit)
    {
        in_base(digits, 16)?.to_string()
    } else if digits == "0" {
        "0".to_owned()
    } else if let Some(digits) = digits.strip_prefix('0')
        && all(digits, |byte| matches!(byte, b'0'..=b'7'))
    {
        in_base(digits, 8)?.to_string()
    } else if digits.starts_with(|c| matches!(c, '1'..='9')) {
        match digits.split_once(':') {
            None if all(digits, u8::is_ascii_digit) => digits.replace('_', ""),
            None => return None,
            Some((first, rest)) => sexagesimal(first, rest)?.to_string(),
        }
    } else {
        return None;
    };
    let sign = if sign == "-" && number != "0" {
        "-"
    } else {
        ""
    };
    Some(format!("{sign}{number}"))
}

/// A number with parts of base 60, such as `1:30`.
fn sexagesimal(first: &str, rest: &str) -> Option<u128> {
    let mut number: u128 = first.replace('_', "").parse().ok()?;
    for part in rest.split(':') {
        let value: u128 = part.parse().ok().filter(|value| *value < 60)?;
        if part.len() > 2 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        number = number.checked_mul(60)?.checked_add(value)?;
    }
    Some(number)
}

/// A floating point number as Python writes it. Without a dot it is a string, and so is an exponent
/// without a sign.
fn float(text: &str) -> Option<String> {
    let (sign, rest) = split_sign(text);
    match rest {
        ".inf" | ".Inf" | ".INF" if sign == "-" => return Some("-inf".to_owned()),
        ".inf" | ".Inf" | ".INF" => return Some("inf".to_owned()),
        ".nan" | ".NaN" | ".NAN" if sign.is_empty() => return Some("nan".to_owned()),
        _ => {}
    }
    let (whole, fraction) = rest.split_once('.')?;
    let is_number = |digits: &str| {
        digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'_')
    };
    let (digits, exponent) = match fraction.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, Some(exponent)),
        None => (fraction, None),
    };
    let starts = |digits: &str| digits.starts_with(|c: char| c.is_ascii_digit());
    let is_whole = match whole.is_empty() {
        true => starts(digits) && sign.is_empty(),
        false => starts(whole),
    };
    let is_exponent = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or_default();
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    if !(is_whole && is_number(whole) && is_number(digits) && is_exponent) {
        return None;
    }
    let number: f64 = text.replace('_', "").parse().ok()?;
    Some(python(number))
}

/// A number as Python's `repr` writes it: Rust's, but for the exponent.
fn python(number: f64) -> String {
    let text = format!("{number:?}");
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let (sign, exponent) = match exponent.strip_prefix('-') {
                Some(exponent) => ('-', exponent),
                None => ('+', exponent),
            };
            format!("{digits}e{sign}{exponent:0>2}")
        }
        None => text,
    }
}

fn split_sign(text: &str) -> (&str, &str) {
    match text.strip_prefix(['-', '+']) {
        Some(rest) => text.split_at(text.len() - rest.len()),
        None => ("", text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_read_as_sam_reads_them() {
        // The results of PyYAML's SafeLoader and Python's str.
        for (written, read) in [
            ("012345678901", "012345678901"),
            ("0123", "83"),
            ("010", "8"),
            ("0", "0"),
            ("-0", "0"),
            ("+12", "12"),
            ("0o17", "0o17"),
            ("0x1F", "31"),
            ("0b101", "5"),
            ("1_000", "1000"),
            ("1:30", "90"),
            ("1:75", "1:75"),
            ("12345678901234567890", "12345678901234567890"),
            ("99999999999999999999999", "99999999999999999999999"),
            ("yes", "true"),
            ("No", "false"),
            ("ON", "true"),
            ("y", "y"),
            ("1.0", "1.0"),
            ("1.10", "1.1"),
            ("1.", "1.0"),
            (".5", "0.5"),
            ("1e3", "1e3"),
            ("1.5e3", "1.5e3"),
            ("1.0e+20", "1e+20"),
            ("0.00001", "1e-05"),
            ("1.2.3", "1.2.3"),
            ("-.inf", "-inf"),
            ("2026-01-02", "2026-01-02"),
            ("eu-west-1", "eu-west-1"),
        ] {
            assert_eq!(resolve(written).text(), Some(read), "{written}");
        }
        assert_eq!(resolve("~"), Value::Null);
        for (written, json) in [("0x1F", "31"), ("yes", "true"), ("0888", "\"0888\"")] {
            assert_eq!(resolve(written).to_json().to_string(), json, "{written}");
        }
    }
}
