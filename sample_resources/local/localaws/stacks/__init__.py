"""CloudFormation on top of moto: translation of SAM, and the resource types that moto leaves out."""
