//! Every refusal has a test; what is accepted is accepted in one spelling only.

mod courier;
mod fixture;
mod flow;
mod foreign;
mod receipts;
mod refuse;
mod trust;
mod vectors;
