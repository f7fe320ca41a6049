"""What reads calls written as a name and pairs of keys and values between tags: GLM and its relatives."""
