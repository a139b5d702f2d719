//! `<name>.toml` beside the artifact.

use std::fs;

use crate::refusal::refusal;
use crate::support::{HostBuilder, functions};

#[test]
fn one_that_is_wrong_ends_the_start_with_its_line_and_the_nearest_right_word() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(
        functions().join("handler.cwasm"),
        folder.path().join("hello.cwasm"),
    )
    .unwrap();
    let policy = folder.path().join("hello.toml");
    for (text, words) in [
        (
            "\nsteam = true\n",
            ", line 2: there is no key `steam`; did you mean `stream`?",
        ),
        ("stream = 1\n", ", line 1: stream is true or false"),
        (
            "fail-status = \"600\"\n",
            ", line 1: fail-status is a text of HTTP statuses",
        ),
        ("[[[\n", ", line 1: "),
    ] {
        fs::write(&policy, text).unwrap();
        let refusal = refusal(HostBuilder::new(folder.path(), "hello"));
        assert_eq!(refusal.error_type, "Runtime.InvalidPolicy");
        let start = format!("{}{words}", policy.display());
        assert!(refusal.message.starts_with(&start), "{}", refusal.message);
    }
    fs::write(&policy, [0xff, 0xfe]).unwrap();
    let refusal = refusal(HostBuilder::new(folder.path(), "hello"));
    assert_eq!(refusal.error_type, "Runtime.InvalidPolicy");
    assert!(
        refusal.message.contains("cannot be read"),
        "{}",
        refusal.message
    );
}
