//! The simulation holds, replays, and its checker can fail.

#[cfg(test)]
mod broken;
#[cfg(test)]
mod seeds;
