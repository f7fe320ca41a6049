"""Tests of what is needed to run toolmend in containers: the lock, the image, the compose file, the manifests."""
