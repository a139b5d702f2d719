//! The account and the region that functions seem to be in.

/// The account of all resources here.
pub const ACCOUNT: &str = "123456789012";

/// The region of all resources here, unless the caller sets another.
pub const REGION: &str = "us-east-1";
