//! The protocol between two parties on paper envelopes (`mithaq_sim::paper`).

#[cfg(test)]
mod read;
#[cfg(test)]
mod real;
#[cfg(test)]
mod receiver;
#[cfg(test)]
mod sender;
#[cfg(test)]
mod storms;
#[cfg(test)]
mod vectors;
#[cfg(test)]
mod world;
