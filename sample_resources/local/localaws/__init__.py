"""A laptop's worth of AWS: moto answers the APIs, real runtimes run the handlers."""
