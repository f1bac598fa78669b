//! The node-to-node protocol MX/1 as a state machine without input or output.
