//! Properties, conventions by language, bad input and explanations of `mithaq-names`.

mod bad_input;
mod conventions;
mod explanations;
mod properties;
mod two_names;
