//! The tables of the policy that let a function use interfaces it imports.

/// A table of the policy, as `lambda-wasm inspect` describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// The name of the table.
    pub table: &'static str,
    /// The description of the grant.
    pub about: &'static str,
    /// The lines of a policy to start from. They grant nothing.
    pub template: &'static str,
}
