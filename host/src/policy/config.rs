//! The values of `wasi:config`.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use super::Grant;

/// The table `[config]`.
pub const CONFIG: Grant = Grant {
    table: "config",
    about: "[config], which it reads",
    template: "[config]\n# greeting = \"Hello\"\n",
};

/// Reads the keys and their values.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Vec<(String, String)>, D::Error> {
    let pairs = BTreeMap::<String, String>::deserialize(from)?;
    Ok(pairs.into_iter().collect())
}
