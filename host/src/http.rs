//! HTTP events and what answers them: one file for each of the front doors that send events to Lambda.
//!
//! Each says how its event becomes the request of `lambda:function/api`, and how the response becomes its answer.

pub mod rest_api;

mod response;
