//! The numbers that SECURITY.md and SPECIFICATION.md promise, against the code that keeps them and the tests that look.

use std::fs;

use super::markdown::{code, document};
use super::root;

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns a number as people write it, in bytes, milliseconds, or as it is: `64 KiB`, `1 s`, `10,000`.
fn written(text: &str) -> f64 {
    let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
    let number: f64 = number
        .replace(',', "")
        .parse()
        .unwrap_or_else(|_| panic!("{text}"));
    number * factor(unit.split(' ').next().unwrap())
}

fn factor(unit: &str) -> f64 {
    match unit {
        "KiB" => 1024.0,
        "MiB" => 1024.0 * 1024.0,
        "MB" => 1e6,
        "s" => 1000.0,
        _ => 1.0,
    }
}

/// Returns the last number in a piece of code, which may be a sum of products.
fn value(code: &str) -> f64 {
    let code = code.replace("MIB", "1048576");
    let is_part = |c: char| c.is_ascii_digit() || "_*+ ".contains(c);
    let mut runs = code.split(|c| !is_part(c)).map(str::trim);
    let sum = runs
        .rfind(|run| run.starts_with(|c: char| c.is_ascii_digit()))
        .unwrap_or_else(|| panic!("no number: {code}"));
    let number = |number: &str| -> f64 {
        let number = number.trim().replace('_', "");
        number.parse().unwrap_or_else(|_| panic!("{code}"))
    };
    let product = |product: &str| product.split('*').map(number).product::<f64>();
    let unit = if code.contains("from_secs(") { "s" } else { "" };
    sum.split('+').map(product).sum::<f64>() * factor(unit)
}

/// Returns the value of a constant, or of a field's default, in a file.
fn constant(source: &str, name: &str) -> f64 {
    let constant = format!("const {name}: ");
    let field = format!("{name}: ");
    for line in source.lines().map(str::trim) {
        let public = line
            .strip_prefix("pub ")
            .or_else(|| line.strip_prefix("pub(crate) "));
        let line = public.unwrap_or(line);
        if let Some((_, expression)) = line
            .strip_prefix(&constant)
            .and_then(|l| l.split_once(" = "))
        {
            return value(expression);
        }
        if let Some(expression) = line.strip_prefix(&field)
            && expression.starts_with(|c: char| c.is_ascii_digit())
        {
            return value(expression);
        }
    }
    panic!("no {name}");
}

/// Returns the number that a name stands for in a file, or that a piece of the file's code has. The piece is in the test, or
/// once in the file.
fn found(source: &str, code: &str, test: &str) -> f64 {
    if code.chars().all(|c| c.is_alphanumeric() || c == '_') {
        return constant(source, code);
    }
    let in_test = test.contains(code);
    let count = source.matches(code).count();
    assert!(in_test || count == 1, "`{code}` is {count} times there");
    value(code)
}

/// Returns the file of a test and the code of the test, from a cell such as `` `file` `name` ``.
#[track_caller]
fn test(cell: &str) -> (String, String) {
    let [file, function] = code(cell)[..] else {
        panic!("a file and a test: {cell}")
    };
    // The tests of the bench are not part of `./build.sh test`.
    assert!(!file.starts_with("bench/"), "{cell}");
    let tests = read(file);
    let (before, after) = tests
        .split_once(&format!("fn {function}("))
        .unwrap_or_else(|| panic!("no such test: {cell}"));
    assert!(before.trim_end().ends_with("#[test]"), "{cell}");
    let body = after.split("\n}\n").next().unwrap().to_owned();
    (tests, body)
}

#[test]
fn the_budgets_are_true() {
    let rows = document("SECURITY.md").rows("## Budgets");
    for row in &rows[1..] {
        let [_, budget, place, error, cell] = &row[..] else {
            panic!("{row:?}")
        };
        let [file, name] = code(place)[..] else {
            panic!("a file and a name: {row:?}")
        };
        assert_eq!(written(budget), constant(&read(file), name), "{row:?}");
        let (tests, _) = test(cell);
        for error_type in code(error) {
            let name = error_type.rsplit('.').next().unwrap();
            assert!(
                tests.contains(error_type) || tests.contains(&name.to_uppercase()),
                "{row:?}"
            );
        }
    }
    assert!(rows.len() > 15, "{} rows", rows.len());
}

/// A promise has each of its numbers in bold. The second cell has a file and, for each number, its place there, which a unit
/// follows if the code has none.
#[test]
fn the_specification_is_true() {
    const NOT_ENFORCED: &str = "## Measured, not enforced";
    let specification = document("SPECIFICATION.md");
    let measured = specification.rows(NOT_ENFORCED);
    let rows = specification.rows("# Specification");
    let rows = rows
        .iter()
        .filter(|row| row[0] != "promise" && !measured.contains(row));
    let mut count = 0;
    for row in rows {
        count += 1;
        let [promise, place, cell] = &row[..] else {
            panic!("{row:?}")
        };
        assert!(promise.ends_with('.'), "a sentence: {row:?}");
        let numbers: Vec<_> = promise.split("**").skip(1).step_by(2).collect();
        let mut parts = place.split('`').skip(1);
        let source = read(parts.next().unwrap());
        let (_, body) = test(cell);
        let places: Vec<_> = parts.skip(1).collect();
        let places = places.chunks(2).map(|place| {
            let unit = place[1].trim().trim_end_matches(',');
            found(&source, place[0], &body) * factor(unit)
        });
        let written: Vec<_> = numbers.iter().map(|number| written(number)).collect();
        assert!(!written.is_empty(), "no number: {row:?}");
        assert_eq!(written, places.collect::<Vec<_>>(), "{row:?}");
    }
    assert!(count >= 30, "{count} rows");

    for row in &measured[1..] {
        let (figure, source) = (&row[1], &row[2]);
        let (_, link) = source.split_once("](").expect("a link");
        let text = read(link.split(['#', ')']).next().unwrap());
        assert!(text.contains(figure.as_str()), "{row:?}");
    }
    assert!(measured.len() > 5);
}
