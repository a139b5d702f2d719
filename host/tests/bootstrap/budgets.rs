//! The table of budgets in SECURITY.md, against the code that keeps them and the tests that look.

use std::fs;

use lambda_wasm_test_support::root;

const COLUMNS: usize = 5;

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What is written as code in a cell.
fn code(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// A budget as people write it: `64 KiB`, `5 ms`, `10,000`.
fn written(cell: &str) -> f64 {
    let (number, unit) = cell.split_once(' ').unwrap_or((cell, ""));
    let number: f64 = number
        .replace(',', "")
        .parse()
        .unwrap_or_else(|_| panic!("{cell}"));
    let factor = match unit.split(' ').next() {
        Some("KiB") => 1024.0,
        Some("MiB") => 1024.0 * 1024.0,
        _ => 1.0,
    };
    number * factor
}

/// The value in the code, which is a product of numbers.
fn value(expression: &str) -> f64 {
    let expression = expression.trim().trim_end_matches([';', ',']);
    let expression = expression
        .strip_prefix("Duration::from_millis(")
        .unwrap_or(expression);
    let factors = expression.trim_end_matches(')').split('*');
    let factor = |factor: &str| match factor.trim() {
        "MIB" => 1024.0 * 1024.0,
        number => number
            .replace('_', "")
            .parse()
            .unwrap_or_else(|_| panic!("{expression}")),
    };
    factors.map(factor).product()
}

/// The value of a constant, or of a field's default, in a file.
fn found(source: &str, name: &str) -> f64 {
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

#[test]
fn every_row_of_the_table_is_true() {
    let text = read("SECURITY.md");
    let (_, table) = text
        .split_once("\n## Budgets\n")
        .expect("a table of budgets");
    let table = table.split("\n## ").next().unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| ")).skip(1);
    let mut count = 0;
    for row in rows.filter(|row| !row.starts_with("|--")) {
        count += 1;
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.len(), COLUMNS, "{row}");
        let [_, budget, place, error, test] = cells[..] else {
            panic!("{row}")
        };
        let [file, name] = code(place)[..] else {
            panic!("a file and a name: {row}")
        };
        assert_eq!(written(budget), found(&read(file), name), "{row}");
        let [file, function] = code(test)[..] else {
            panic!("a file and a test: {row}")
        };
        let tests = read(file);
        let (before, _) = tests
            .split_once(&format!("fn {function}("))
            .unwrap_or_else(|| panic!("no such test: {row}"));
        assert!(before.trim_end().ends_with("#[test]"), "{row}");
        for error_type in code(error) {
            let name = error_type.rsplit('.').next().unwrap();
            assert!(
                tests.contains(error_type) || tests.contains(&name.to_uppercase()),
                "{row}"
            );
        }
    }
    assert!(count >= 15, "{count} rows");
}
