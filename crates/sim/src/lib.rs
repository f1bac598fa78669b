//! Many nodes under a faulty network, replayed from one number. Development only.
