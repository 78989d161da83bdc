*ng_script
* Compares each name in $asserts with the vectors low_NAME and high_NAME, prints a line for it and remembers a failure.
* What a deck measures is 1e30 before, so that a measurement that finds nothing fails too.
foreach name $asserts
  let value = $name
  let right = 0
  if ( $name >= low_$name ) & ( $name <= high_$name )
    let right = 1
  end
  if right
    echo pass $name $&value
  else
    echo fail $name $&value
    set failed = 1
  end
end
