//! The components are in `examples/`: Cargo builds each of those as a library of its own.
