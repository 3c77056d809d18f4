"""The recipes: for each network its blocks (`spec`) and how they are joined (`forward`)."""
