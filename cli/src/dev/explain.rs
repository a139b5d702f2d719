//! The next step after an error, as `docs/errors.md` has it.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

const ERRORS: &str = include_str!("../../../docs/errors.md");

/// Returns the cause and the remedy of an error type, the first time that it is asked for.
pub(super) fn once(error_type: &str) -> Option<String> {
    static EXPLAINED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let remedy = remedy(error_type)?;
    let mut explained = EXPLAINED.lock().unwrap_or_else(PoisonError::into_inner);
    explained.insert(error_type.to_owned()).then_some(remedy)
}

/// Returns the cause and the remedy of an error type: the last cell of its row.
pub(super) fn remedy(error_type: &str) -> Option<String> {
    let start = format!("| `{error_type}` |");
    let row = ERRORS.lines().find(|line| line.starts_with(&start))?;
    let cell = row.trim_end_matches([' ', '|']).rsplit_once(" | ")?.1;
    Some(without_links(cell))
}

/// Returns a text of Markdown with the words of links, and without their places.
fn without_links(text: &str) -> String {
    let mut done = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        done += before;
        let link = after.split_once("](").and_then(|(words, place)| {
            let (_, behind) = place.split_once(')')?;
            Some((words, behind))
        });
        let Some((words, behind)) = link else {
            done.push('[');
            rest = after;
            continue;
        };
        done += words;
        rest = behind;
    }
    done + rest
}

#[cfg(test)]
mod tests {
    use lambda_wasm_host::failure::ErrorType;

    use super::*;

    #[test]
    fn every_error_type_has_a_remedy_without_markdown() {
        for error_type in ErrorType::ALL {
            let remedy = remedy(error_type.as_str()).unwrap_or_else(|| panic!("{error_type}"));
            assert!(!remedy.is_empty() && !remedy.contains("]("), "{remedy}");
        }
        assert_eq!(remedy("OrderNotFound"), None);
    }

    #[test]
    fn it_is_told_once() {
        let told = "Return a response or a failure.";
        assert_eq!(once("Function.Exit").as_deref(), Some(told));
        assert_eq!(once("Function.Exit"), None);
    }

    #[test]
    fn links_are_their_words() {
        assert_eq!(without_links("See [a](b.md#c), [d](e)."), "See a, d.");
        assert_eq!(without_links("[x] of [y"), "[x] of [y");
    }
}
